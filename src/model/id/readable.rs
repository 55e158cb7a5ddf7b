//! Serialization of ids: strings in human-readable formats, and numbers in all other formats.

use core::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use thiserror::Error;

use crate::model::names;

use super::{InventoryId, ItemId};

/// Error returned when a string is not an inventory id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("an inventory id is a decimal number or 16 hexadecimal digits")]
pub struct InventoryIdError;

impl FromStr for InventoryId {
    type Err = InventoryIdError;

    /// Parses the format of the `Display` implementation.
    fn from_str(text: &str) -> Result<Self, InventoryIdError> {
        let has_digits_only = |radix| text.chars().all(|digit| digit.is_digit(radix));
        let named = (text.len() == 16 && has_digits_only(16))
            .then(|| u64::from_str_radix(text, 16).ok())
            .flatten()
            .map(Self)
            .filter(|id| id.is_named());
        let number =
            || text.parse().ok().map(Self).filter(|id| has_digits_only(10) && !id.is_named());
        named.or_else(number).ok_or(InventoryIdError)
    }
}

impl Serialize for InventoryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for InventoryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        struct Text;
        impl Visitor<'_> for Text {
            type Value = InventoryId;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an inventory id as a string or a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<InventoryId, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<InventoryId, E> {
                Ok(InventoryId(number))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match names::get(self.0).filter(|_| serializer.is_human_readable()) {
            Some(key) => serializer.serialize_str(&key),
            None => serializer.serialize_u32(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u32::deserialize(deserializer).map(Self);
        }
        struct Key;
        impl Visitor<'_> for Key {
            type Value = ItemId;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an item key as a string, or an item id as a number")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<ItemId, E> {
                Ok(ItemId::of(key))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<ItemId, E> {
                u32::try_from(number).map(ItemId).map_err(|_| E::custom("an item id has 32 bits"))
            }
        }
        deserializer.deserialize_any(Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::codec;

    #[test]
    fn ids_of_inventories_are_parsed_as_they_are_displayed() {
        let named = (0..100).map(|number| InventoryId::named("chest", number));
        let numbers = [0, 1, 9, 12_345_678, 7_999_999_999_999_999].map(InventoryId::sequential);
        for id in named.chain(numbers) {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let wrong = ["", " 1", "-1", "+1", "1e3", "0x10", "7fffffffffffffff", "800000000000000g"];
        for text in wrong.into_iter().chain(["18446744073709551615", "00000000000000001f"]) {
            assert!(text.parse::<InventoryId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_are_text_in_json_and_numbers_in_records() {
        let id = InventoryId::named("chest", 7);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<InventoryId>(&json).unwrap(), id);
        assert_eq!(codec::to_bytes(&id).unwrap(), codec::to_bytes(&id.to_bits()).unwrap());
        names::remember(ItemId::of("lantern").to_bits(), "lantern");
        let item = ItemId::of("lantern");
        assert_eq!(serde_json::to_string(&item).unwrap(), "\"lantern\"");
        let known = [item.to_bits().to_string(), "\"lantern\"".into()];
        assert!(known.iter().all(|json| serde_json::from_str::<ItemId>(json).unwrap() == item));
        assert_eq!(codec::to_bytes(&item).unwrap(), codec::to_bytes(&item.to_bits()).unwrap());
    }
}
