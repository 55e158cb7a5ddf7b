//! Reads values from any bytes: the encoding of bincode for small values, except that a number that is not a variant, a
//! flag or the length of a short list stands for one that is. So most changed bytes still stand for values.

use serde::{
    Deserialize,
    de::{
        DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, SeqAccess,
        VariantAccess, Visitor, value::Error,
    },
    forward_to_deserialize_any,
};

/// Maximum length of a list.
const LIST_MAX: usize = 6;

/// Takes a value off the front of `bytes`. Returns `None` if there are too few.
pub fn take<'de, T: Deserialize<'de>>(bytes: &mut &'de [u8]) -> Option<T> {
    T::deserialize(&mut Loose { bytes }).ok()
}

struct Loose<'a, 'de> {
    bytes: &'a mut &'de [u8],
}

impl Loose<'_, '_> {
    fn byte(&mut self) -> Result<u8, Error> {
        let byte = self.bytes.split_off_first().ok_or_else(|| Error::custom("no bytes left"))?;
        Ok(*byte)
    }
}

impl<'de> Deserializer<'de> for &mut Loose<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no operation has such a field"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.byte()? % 2 == 1)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u8(self.byte()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            less @ 0..251 => visitor.visit_u16(less.into()),
            _ => visitor.visit_u16(u16::from_le_bytes([self.byte()?, self.byte()?])),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.byte()? % 2 == 0 { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let len = usize::from(self.byte()?) % (LIST_MAX + 1);
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { from: self, left: len })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = usize::from(self.byte()?) % variants.len();
        visitor.visit_enum(Variant { from: self, variant })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct tuple_struct map
        identifier ignored_any
    }
}

struct Elements<'a, 'b, 'de> {
    from: &'a mut Loose<'b, 'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.from).map(Some)
    }
}

struct Variant<'a, 'b, 'de> {
    from: &'a mut Loose<'b, 'de>,
    variant: usize,
}

impl<'a, 'b, 'de> EnumAccess<'de> for Variant<'a, 'b, 'de> {
    type Error = Error;
    type Variant = &'a mut Loose<'b, 'de>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), Error> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, self.from))
    }
}

impl<'de> VariantAccess<'de> for &mut Loose<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
