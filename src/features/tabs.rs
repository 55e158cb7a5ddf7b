//! Paged inventories: a bank of thousands of slots in tabs. A viewer receives the list of tabs
//! first and opens one page at a time.

use crate::{
    app::InventoryAppExt,
    model::{
        container::Container,
        data::{DataPool, ItemData},
        id::{InventoryId, ItemId},
        item::ItemDef,
        rejection::Rejection,
        rights::Rights,
        slots::Slots,
        stack::Stack,
    },
    params::actions::InventoryActions,
    shared::{
        actions::{RequestId, Requested},
        authority::authority_is_here,
        ids::InventoryIds,
        markers::InView,
        schedule::InventoryClientSystems,
    },
    wire::request::Target,
};
use bevy::ecs::system::SystemParam;
use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use log::error;
use serde::{Deserialize, Serialize};

/// Maximum length of a tab name in bytes. Longer names are truncated when sent.
pub const TAB_NAME_BYTES_MAX: usize = 64;

/// One tab of a bank: the part of a page that is known before it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tab {
    page: u32,
    name: String,
    icon: ItemId,
    slots: u16,
}

impl Tab {
    /// Creates a tab for a page of `slots` slots. The icon is an item of the catalog.
    #[must_use]
    pub fn new(name: impl Into<String>, icon: ItemId, slots: u16) -> Self {
        Self { page: 0, name: name.into(), icon, slots }
    }

    /// Returns the page number, by which the page is opened, renamed and removed. It does not
    /// change when other tabs are added or removed.
    #[must_use]
    pub const fn page(&self) -> u32 {
        self.page
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the item that serves as the icon.
    #[must_use]
    pub const fn icon(&self) -> ItemId {
        self.icon
    }

    /// Returns the number of slots of the page. It is updated when the page is resized.
    #[must_use]
    pub const fn slots(&self) -> u16 {
        self.slots
    }

    fn to_stack(&self, pool: &mut DataPool) -> Stack {
        let end = self.name.floor_char_boundary(TAB_NAME_BYTES_MAX);
        let name = self.name[..end].to_owned();
        let stack = self.icon.stack(1);
        match pool.insert(&TabData { page: self.page, slots: self.slots, name }) {
            Ok(data) => stack.with_data(data),
            Err(error) => {
                error!(
                    "tab `{}` (page {}) is shown without its name: {error}",
                    self.name, self.page
                );
                stack
            }
        }
    }
}

/// The synced data of a tab. The page's inventory id is not part of it, so that banks with the same
/// tabs share the data.
#[derive(Serialize, Deserialize)]
struct TabData {
    page: u32,
    slots: u16,
    name: String,
}

impl ItemData for TabData {
    const NAME: &'static str = "inventory_tab";
}

/// The tabs of a bank: a container into which players cannot put and from which they cannot take.
/// Its slots contain the icons.
///
/// On the authority, the game defines the tabs, and every tab has a page: a separate entity with an
/// [`Inventory`](crate::prelude::Inventory) and [`PageOf`](crate::features::pages::PageOf), with the id
/// [`InventoryId::page`](crate::prelude::InventoryId::page). Pages are spawned as soon as the tabs
/// are inserted, and after a change before the tick is sent. They are despawned with their tab and
/// with the bank. Writing the slots by other means ([`load`](crate::prelude::Inventories::load))
/// adds tabs and removes none.
///
/// For a viewer, the tabs are those that the server shows. Renaming a tab emits
/// [`SlotChanged`](crate::prelude::SlotChanged); adding or removing one emits
/// [`InventoryResized`](crate::prelude::InventoryResized).
///
/// Register it with [`add_pages`](super::PagesAppExt::add_pages).
#[derive(Component, Clone, Default, Debug)]
pub struct Tabs {
    slots: Slots,
    tabs: Vec<Tab>,
    /// Number of the next page.
    next: u32,
    /// The slots as last derived from the tabs.
    written: Slots,
}

impl Tabs {
    /// Creates tabs in this order. Their pages are numbered from zero.
    #[must_use]
    pub fn new(tabs: impl IntoIterator<Item = Tab>) -> Self {
        let mut new = Self::default();
        for tab in tabs {
            new.add(tab);
        }
        new
    }

    /// Iterates over all tabs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tab> + '_ {
        self.tabs.iter()
    }

    /// Returns the number of tabs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tabs.len()
    }

    /// Returns `true` if there are no tabs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tabs.is_empty()
    }

    /// Returns the tab of a page.
    #[must_use]
    pub fn get(&self, page: u32) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.page == page)
    }

    /// Appends a tab and returns the number of its page, which this bank has not used before.
    pub fn add(&mut self, tab: Tab) -> u32 {
        let page = self.next;
        self.next += 1;
        self.tabs.push(Tab { page, ..tab });
        page
    }

    /// Removes a tab and returns it, if it exists. The items in its page are lost: move them
    /// elsewhere first.
    pub fn remove(&mut self, page: u32) -> Option<Tab> {
        let at = self.tabs.iter().position(|tab| tab.page == page)?;
        Some(self.tabs.remove(at))
    }

    /// Renames a tab. Returns `true` if the tab exists.
    pub fn rename(&mut self, page: u32, name: impl Into<String>) -> bool {
        let tab = self.tabs.iter_mut().find(|tab| tab.page == page);
        tab.map(|tab| tab.name = name.into()).is_some()
    }

    /// Changes the icon of a tab. Returns `true` if the tab exists.
    pub fn set_icon(&mut self, page: u32, icon: ItemId) -> bool {
        let tab = self.tabs.iter_mut().find(|tab| tab.page == page);
        tab.map(|tab| tab.icon = icon).is_some()
    }

    /// Derives the tabs from the slots.
    fn read(&mut self, pool: &DataPool) {
        let tab = |(_, stack): (usize, Stack)| {
            let TabData { page, slots, name } = pool.get(stack.data?)?;
            Some(Tab { page, name, icon: stack.item, slots })
        };
        self.tabs = self.slots.iter().filter_map(tab).collect();
    }

    /// Makes the slots show the tabs, and returns `true` if they were different before. `lens` are the page
    /// numbers with the number of slots that each page has.
    pub(super) fn write(&mut self, pool: &mut DataPool, lens: &[(u32, u16)]) -> bool {
        if self.slots != self.written {
            let before = core::mem::take(&mut self.tabs);
            self.read(pool);
            let kept = before.into_iter().filter(|tab| self.get(tab.page).is_none());
            let kept: Vec<_> = kept.collect();
            self.tabs.extend(kept);
            let pages = self.tabs.iter().map(|tab| tab.page.saturating_add(1));
            self.next = pages.fold(self.next, u32::max);
        }
        for tab in &mut self.tabs {
            let len = lens.iter().find(|(page, _)| *page == tab.page);
            tab.slots = len.map_or(tab.slots, |(_, len)| *len);
        }
        let slots: Slots = self.tabs.iter().map(|tab| Some(tab.to_stack(pool))).collect();
        self.written = slots.clone();
        core::mem::replace(&mut self.slots, slots) != self.slots
    }
}

impl Container for Tabs {
    const NAME: &'static str = "tabs";
    const AUTO_FILL: bool = false;
    const HOLDS_ITEMS: bool = false;

    fn from_slots(slots: Slots) -> Self {
        Self { slots, ..Self::default() }
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    fn accepts(_: usize, _: &ItemDef) -> bool {
        false
    }

    fn rights(_: usize) -> Rights {
        Rights::SEE
    }
}

/// Opens pages for the local player. Works the same on a client, on a host and in single player.
#[derive(SystemParam)]
pub struct PageActions<'w, 's> {
    actions: InventoryActions<'w, 's>,
    banks: Query<'w, 's, (&'static Tabs, &'static InventoryId), (With<InView>, Allow<Disabled>)>,
    seen: Query<'w, 's, (), (With<InView>, Allow<Disabled>)>,
    ids: Res<'w, InventoryIds>,
}

impl PageActions<'_, '_> {
    /// Requests to open a page of a bank that is in view, by the number of its [`Tab`]. If the request is
    /// accepted, the page comes into view and the page that the player had open before is closed.
    ///
    /// The request is an opening by id. It is rejected without asking the server with
    /// [`Rejection::NotInView`] if no such bank is in view, and with [`Rejection::NoSuchSlot`] if there is no such
    /// tab; it is then reported as an opening of the bank's entity.
    pub fn open(&mut self, bank: Entity, page: u32) -> RequestId {
        let reason = match self.banks.get(bank) {
            Ok((tabs, id)) if tabs.get(page).is_some() => {
                return self.actions.open_by_id(InventoryId::page(*id, page));
            }
            Ok(_) => Rejection::NoSuchSlot,
            Err(_) => Rejection::NotInView,
        };
        self.actions.reject(Requested::Open(Target::Entity(bank)), reason)
    }

    /// Iterates over the tabs of a bank in view, in order, each with the entity of its page if that page is
    /// open. Yields nothing if no such bank is in view.
    pub fn tabs(&self, bank: Entity) -> impl Iterator<Item = (&Tab, Option<Entity>)> + '_ {
        let tabs_of_bank = self.banks.get(bank).ok();
        tabs_of_bank.into_iter().flat_map(|(tabs, id)| {
            tabs.iter().map(|tab| {
                let page = self.ids.get(InventoryId::page(*id, tab.page()));
                (tab, page.filter(|page| self.seen.contains(*page)))
            })
        })
    }
}

pub(super) fn register(app: &mut App) {
    app.add_container::<Tabs>().add_item_data::<TabData>().add_systems(
        PreUpdate,
        read_tabs
            .after(InventoryClientSystems::Reconcile)
            .before(InventoryClientSystems::Notify)
            .run_if(not(authority_is_here)),
    );
}

/// Client: derives the tabs from what the server shows, before the game is notified.
fn read_tabs(
    mut shown: Query<&mut Tabs, (Changed<Tabs>, With<InView>, Allow<Disabled>)>,
    pool: Res<DataPool>,
) {
    for mut tabs in &mut shown {
        tabs.bypass_change_detection().read(&pool);
    }
}
