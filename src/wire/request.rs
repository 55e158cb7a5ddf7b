//! The wire format of client requests: encoding and decoding, with the grammar listed top-down.
//!
//! ```text
//! request   = 0 number:8 body | 1 0000000 control       control is serialized: see `handshake`
//! body      = 00 act | 01 target actor?                 the player wants to open an inventory
//!           | 10 view:EG0 handle:EG0                    the player has closed an inventory
//!           | 11 back:EG4                               the player closes what the request before this one
//!                                                       opened, or the one `back` requests before that
//! act       = actor:EG0 witness:16 type:⌈log2 types⌉ payload seen?    (`witness`)
//!                                                       the acting inventory's view + 1, or 0 for none
//! actor     = view:16                                   the acting inventory, if the client owns several;
//!                                                       present if at least 8 bits follow
//! payload   = tag:4 fields                              of the built-in type, see `InventoryAction`
//!           | length:EG5 byte*                          of a custom action
//! place     = view:EG0 slot
//! slot      = kind:⌈log2 registry⌉ index:EG4
//! area      = view:EG0 kind?:1 [kind:⌈log2 registry⌉]
//! count     = count?:1 [count:EG2]
//! list      = length:EG2 item*
//! target    = 0 index:EG7 generation:EG0 | 1 id         the server's entity | an inventory's id
//! ```
//!
//! `number` counts a client's requests, modulo 256; it lets the server recognize requests that it
//! has already received. `witness` is the low part of a hash of what the player saw, and `seen` is the rest of
//! what the action depends on.

use bevy::ecs::entity::Entity;

use crate::model::{
    action::InventoryAction,
    container::{ContainerRef, Slot, SlotRef},
    id::{ContainerKey, InventoryId},
    limits::{ACTION_AREAS_MAX, ACTION_PLACES_MAX},
    recipe::RecipeId,
};

use super::{
    DecodeError, Schema, VIEWS_MAX,
    bits::{BitReader, BitWriter, low_byte},
    decode::{self, read_length, read_narrow, read_view_index},
    encode,
    form::index_bits,
};

/// Maximum length of a request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 2048;

/// Maximum length of the payload of a custom action, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1024;

/// The inventory that a client wants to open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The server's entity, known to the client because it is replicated.
    Entity(Entity),
    /// Any inventory, by its id.
    Id(InventoryId),
}

/// A request without the payload of an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestBody {
    /// An action. Its payload follows.
    Act {
        /// View of the acting inventory.
        actor: Option<u32>,
        /// Hash of what the player saw.
        witness: u16,
        /// Index of the type of the action.
        kind: u32,
    },
    /// The player wants to open an inventory.
    Open {
        /// The inventory.
        target: Target,
        /// View of the acting inventory, if the client names one.
        actor: Option<u16>,
    },
    /// The player has closed an inventory.
    Close {
        /// Its view.
        view: u32,
        /// The handle that came with the view, since the server may have reused the view for
        /// another inventory.
        handle: u32,
    },
    /// The player closes what an earlier request opened or will open.
    Cancel {
        /// Number of requests between that one and this one.
        back: u32,
    },
}

/// Writes a request without the payload of an action. `registry` is the number of action types.
pub fn write_body(w: &mut BitWriter, number: u8, body: &RequestBody, registry: usize) {
    w.flag(false);
    w.put(u32::from(number), 8);
    match body {
        RequestBody::Act { actor, witness, kind } => {
            w.put(0b00, 2);
            w.golomb(actor.map_or(0, |view| u64::from(view) + 1), 0);
            w.put(u32::from(*witness), 16);
            w.put(*kind, index_bits(registry));
        }
        RequestBody::Open { target, actor } => {
            w.put(0b10, 2);
            w.flag(matches!(target, Target::Id(_)));
            match target {
                Target::Entity(entity) => encode::write_entity(w, *entity),
                Target::Id(id) => encode::write_id(w, *id),
            }
            if let Some(actor) = actor {
                w.put(u32::from(*actor), 16);
            }
        }
        RequestBody::Cancel { back } => {
            w.put(0b11, 2);
            w.golomb(u64::from(*back), 4);
        }
        RequestBody::Close { view, handle } => {
            w.put(0b01, 2);
            w.golomb(u64::from(*view), 0);
            w.golomb(u64::from(*handle), 0);
        }
    }
}

/// Reads a request written by [`write_body`] and returns it with its number.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid.
pub fn read_body(r: &mut BitReader, registry: usize) -> Result<(u8, RequestBody), DecodeError> {
    if r.flag()? {
        return Err(DecodeError::Reserved);
    }
    let number = low_byte(r.take(8)?);
    let body = match r.take(2)? {
        0b00 => {
            #[expect(clippy::cast_possible_truncation, reason = "the constant fits in 32 bits")]
            let actor = read_narrow(r, 0, "acting view", VIEWS_MAX as u32)?.checked_sub(1);
            let witness = short(r.take(16)?);
            let kind = r.take(index_bits(registry))?;
            if kind as usize >= registry {
                let (value, max) = (u64::from(kind), (registry as u64).saturating_sub(1));
                return Err(DecodeError::OutOfRange { what: "action type", value, max });
            }
            RequestBody::Act { actor, witness, kind }
        }
        0b10 => {
            let target = match r.flag()? {
                false => Target::Entity(decode::read_entity(r)?),
                true => Target::Id(decode::read_id(r)?),
            };
            let actor = if r.left() < 8 { None } else { Some(short(r.take(16)?)) };
            RequestBody::Open { target, actor }
        }
        0b11 => RequestBody::Cancel { back: read_narrow(r, 4, "number of requests", u32::MAX)? },
        0b01 => RequestBody::Close { view: read_view_index(r)?, handle: decode::read_handle(r)? },
        _ => return Err(DecodeError::Reserved),
    };
    Ok((number, body))
}

/// Returns the low 16 bits.
fn short(value: u32) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Writes the payload of a custom action.
pub fn write_payload(w: &mut BitWriter, payload: &[u8]) {
    w.golomb(payload.len() as u64, 5);
    payload.iter().for_each(|byte| w.put(u32::from(*byte), 8));
}

/// Reads a payload written by [`write_payload`].
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid.
pub fn read_payload(r: &mut BitReader) -> Result<Vec<u8>, DecodeError> {
    let len = read_length(r, 5, "payload length", PAYLOAD_BYTES_MAX)?;
    decode::read_bytes(r, len)
}

/// Writes an [`InventoryAction`]: its tag, then its fields in order.
pub struct ActionWriter<'a, 'w> {
    /// The output.
    pub w: &'w mut BitWriter,
    /// The registered containers and items.
    pub schema: Schema<'a>,
    /// Returns the client's view of an entity.
    pub view: &'a dyn Fn(Entity) -> Option<u32>,
}

impl ActionWriter<'_, '_> {
    /// Writes the action.
    pub fn action(&mut self, action: &InventoryAction) {
        match action {
            InventoryAction::Move { from, to, count } => {
                self.tag(0).place(*from).place(*to).count(*count)
            }
            InventoryAction::Swap { a, b } => self.tag(1).place(*a).place(*b),
            InventoryAction::QuickMove { from, to } => self.tag(2).place(*from).area(*to),
            InventoryAction::Collect { onto, from } => self.tag(3).place(*onto).areas(from),
            InventoryAction::Spread { from, onto, each } => {
                self.tag(4).place(*from).places(onto).count(*each)
            }
            InventoryAction::MoveAll { from, to } => self.tag(5).area(*from).area(*to),
            InventoryAction::Drop { from, count } => self.tag(6).place(*from).count(*count),
            InventoryAction::DropAll { from } => self.tag(7).area(*from),
            InventoryAction::Select { slot } => self.tag(8).place(*slot),
            InventoryAction::Use { slot } => self.tag(9).place(*slot),
            InventoryAction::Sort { entity, container } => {
                self.tag(10).area(ContainerRef { entity: *entity, container: Some(*container) })
            }
            InventoryAction::Craft { recipe, times, from, to, at } => {
                self.tag(11).w.put(recipe.to_bits(), 32);
                self.count(Some(*times)).areas(from).area(*to);
                self.areas(&at.map(ContainerRef::all).into_iter().collect::<Vec<_>>())
            }
        };
    }

    fn tag(&mut self, tag: u32) -> &mut Self {
        self.w.put(tag, 4);
        self
    }

    fn view(&mut self, entity: Entity) -> &mut Self {
        let view = (self.view)(entity).unwrap_or(u32::from(u16::MAX));
        self.w.golomb(u64::from(view), 0);
        self
    }

    fn kind(&mut self, key: ContainerKey) -> &mut Self {
        let registry = self.schema.registry;
        let kind = (0..).zip(registry).find(|(_, kind)| kind.key == key).map_or(0, |(n, _)| n);
        self.w.put(kind, index_bits(registry.len()));
        self
    }

    fn place(&mut self, (entity, slot): SlotRef) -> &mut Self {
        self.view(entity).kind(slot.container).w.golomb(u64::from(slot.index), 4);
        self
    }

    fn area(&mut self, area: ContainerRef) -> &mut Self {
        self.view(area.entity).w.flag(area.container.is_some());
        match area.container {
            Some(key) => self.kind(key),
            None => self,
        }
    }

    fn count(&mut self, count: Option<u32>) -> &mut Self {
        self.w.flag(count.is_some());
        if let Some(count) = count {
            self.w.golomb(u64::from(count), 2);
        }
        self
    }

    fn places(&mut self, places: &[SlotRef]) -> &mut Self {
        self.w.golomb(places.len() as u64, 2);
        places.iter().fold(self, |writer, place| writer.place(*place))
    }

    fn areas(&mut self, areas: &[ContainerRef]) -> &mut Self {
        self.w.golomb(areas.len() as u64, 2);
        areas.iter().fold(self, |writer, area| writer.area(*area))
    }
}

/// Reads an [`InventoryAction`].
pub struct ActionReader<'a, 'r, 'b> {
    /// The input.
    pub r: &'r mut BitReader<'b>,
    /// The registered containers and items.
    pub schema: Schema<'a>,
    /// Returns the entity of a client's view.
    pub entity: &'a dyn Fn(u32) -> Option<Entity>,
}

impl ActionReader<'_, '_, '_> {
    /// Reads the action. A view that the client does not have becomes [`Entity::PLACEHOLDER`],
    /// which has no inventory, since the view may have been closed while the request was on its
    /// way.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are invalid.
    pub fn action(&mut self) -> Result<InventoryAction, DecodeError> {
        Ok(match self.r.take(4)? {
            0 => InventoryAction::Move {
                from: self.place()?,
                to: self.place()?,
                count: self.count()?,
            },
            1 => InventoryAction::Swap { a: self.place()?, b: self.place()? },
            2 => InventoryAction::QuickMove { from: self.place()?, to: self.area()? },
            3 => InventoryAction::Collect { onto: self.place()?, from: self.areas()? },
            4 => InventoryAction::Spread {
                from: self.place()?,
                onto: self.places()?,
                each: self.count()?,
            },
            5 => InventoryAction::MoveAll { from: self.area()?, to: self.area()? },
            6 => InventoryAction::Drop { from: self.place()?, count: self.count()? },
            7 => InventoryAction::DropAll { from: self.area()? },
            8 => InventoryAction::Select { slot: self.place()? },
            9 => InventoryAction::Use { slot: self.place()? },
            10 => {
                let ContainerRef { entity, container } = self.area()?;
                InventoryAction::Sort { entity, container: container.ok_or(DecodeError::Reserved)? }
            }
            11 => InventoryAction::Craft {
                recipe: RecipeId::from_bits(self.r.take(32)?),
                times: self.count()?.unwrap_or(0),
                from: self.areas()?,
                to: self.area()?,
                at: self.areas()?.first().map(|area| area.entity),
            },
            _ => return Err(DecodeError::Reserved),
        })
    }

    fn view(&mut self) -> Result<Entity, DecodeError> {
        let view = read_view_index(self.r)?;
        Ok((self.entity)(view).unwrap_or(Entity::PLACEHOLDER))
    }

    fn kind(&mut self) -> Result<ContainerKey, DecodeError> {
        let registry = self.schema.registry;
        let kind = self.r.take(index_bits(registry.len()))?;
        let max = (registry.len() as u64).saturating_sub(1);
        let wrong = DecodeError::OutOfRange { what: "container type", value: u64::from(kind), max };
        registry.get(kind as usize).map(|kind| kind.key).ok_or(wrong)
    }

    fn place(&mut self) -> Result<SlotRef, DecodeError> {
        let (entity, container) = (self.view()?, self.kind()?);
        let index = short(read_narrow(self.r, 4, "slot index", u32::from(u16::MAX))?);
        Ok((entity, Slot { container, index }))
    }

    fn area(&mut self) -> Result<ContainerRef, DecodeError> {
        let entity = self.view()?;
        let container = if self.r.flag()? { Some(self.kind()?) } else { None };
        Ok(ContainerRef { entity, container })
    }

    fn count(&mut self) -> Result<Option<u32>, DecodeError> {
        if !self.r.flag()? {
            return Ok(None);
        }
        read_narrow(self.r, 2, "count", u32::MAX).map(Some)
    }

    fn places(&mut self) -> Result<Vec<SlotRef>, DecodeError> {
        let len = read_length(self.r, 2, "number of slots", ACTION_PLACES_MAX)?;
        (0..len).map(|_| self.place()).collect()
    }

    fn areas(&mut self) -> Result<Vec<ContainerRef>, DecodeError> {
        let len = read_length(self.r, 2, "number of areas", ACTION_AREAS_MAX)?;
        (0..len).map(|_| self.area()).collect()
    }
}
