//! Paged inventories: a bank of thousands of slots in tabs. A viewer gets the list of the tabs first, and
//! opens one page at a time.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use log::error;
use serde::{Deserialize, Serialize};

use crate::{
    app::InventoryAppExt,
    authority::authority_is_here,
    events::InView,
    model::{
        container::Container,
        data::{DataPool, ItemData},
        id::ItemId,
        items::ItemDef,
        rights::Rights,
        slots::Slots,
        stack::Stack,
    },
    server::pages,
    systems::InventorySystems,
};

/// Longest name of a tab in bytes; what is longer is cut when it is sent.
pub const TAB_NAME_BYTES_MAX: usize = 64;

/// One tab of a bank: what is known of a page before it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tab {
    page: u32,
    name: String,
    icon: ItemId,
    slots: u16,
}

impl Tab {
    /// A tab for a page of so many slots. The icon is an item of the catalogue.
    #[must_use]
    pub fn new(name: impl Into<String>, icon: ItemId, slots: u16) -> Self {
        Self { page: 0, name: name.into(), icon, slots }
    }

    /// The number of its page, by which it is opened, renamed and removed. It stays the same when other
    /// tabs come and go.
    #[must_use]
    pub const fn page(&self) -> u32 {
        self.page
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The item that it is drawn as.
    #[must_use]
    pub const fn icon(&self) -> ItemId {
        self.icon
    }

    /// How many slots its page has. It follows the page, should that be resized.
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
                error!("a tab cannot be shown: {error}");
                stack
            }
        }
    }
}

/// What travels of a tab. The page's id is not part of it, so that banks with the same tabs share it.
#[derive(Serialize, Deserialize)]
struct TabData {
    page: u32,
    slots: u16,
    name: String,
}

impl ItemData for TabData {
    const NAME: &'static str = "inventory_tab";
}

/// The tabs of a bank: a container that nobody puts into or takes from. Its slots hold the icons.
///
/// On the authority the tabs are what the game says, and every tab has a page: an entity of its own with
/// an [`Inventory`](crate::prelude::Inventory) and [`PageOf`](crate::prelude::PageOf), under the id
/// [`InventoryId::page`](crate::prelude::InventoryId::page). Pages are there as soon as the tabs are
/// inserted, and after a change before the tick is sent; they go with their tab and with the bank. Slots
/// that are written otherwise ([`load`](crate::prelude::Inventories::load)) add tabs and take none away.
///
/// For a viewer they are what the server shows. A tab that is renamed is a
/// [`SlotChanged`](crate::prelude::SlotChanged), one that is added or removed an
/// [`InventoryResized`](crate::prelude::InventoryResized).
///
/// Register it with [`add_pages`](crate::prelude::InventoryAppExt::add_pages).
#[derive(Component, Clone, Default, Debug)]
pub struct Tabs {
    slots: Slots,
    tabs: Vec<Tab>,
    /// The number of the next page.
    next: u32,
    /// The slots as they were last made of the tabs.
    written: Slots,
}

impl Tabs {
    /// Tabs in this order; their pages are numbered from zero.
    #[must_use]
    pub fn new(tabs: impl IntoIterator<Item = Tab>) -> Self {
        let mut new = Self::default();
        for tab in tabs {
            new.add(tab);
        }
        new
    }

    /// All tabs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tab> + '_ {
        self.tabs.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tabs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tabs.is_empty()
    }

    /// The tab of a page.
    #[must_use]
    pub fn get(&self, page: u32) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.page == page)
    }

    /// Adds a tab behind the others, and returns the number of its page: one that this bank has not had
    /// before.
    pub fn add(&mut self, tab: Tab) -> u32 {
        let page = self.next;
        self.next += 1;
        self.tabs.push(Tab { page, ..tab });
        page
    }

    /// Removes a tab, if it is there. What lies in its page goes with it: move it elsewhere before.
    pub fn remove(&mut self, page: u32) -> Option<Tab> {
        let at = self.tabs.iter().position(|tab| tab.page == page)?;
        Some(self.tabs.remove(at))
    }

    /// Gives a tab another name. Says whether it is there.
    pub fn rename(&mut self, page: u32, name: impl Into<String>) -> bool {
        let tab = self.tabs.iter_mut().find(|tab| tab.page == page);
        tab.map(|tab| tab.name = name.into()).is_some()
    }

    /// Gives a tab another icon. Says whether it is there.
    pub fn set_icon(&mut self, page: u32, icon: ItemId) -> bool {
        let tab = self.tabs.iter_mut().find(|tab| tab.page == page);
        tab.map(|tab| tab.icon = icon).is_some()
    }

    /// Has the tabs say what the slots hold.
    fn read(&mut self, pool: &DataPool) {
        let tab = |(_, stack): (usize, Stack)| {
            let TabData { page, slots, name } = pool.get(stack.data?)?;
            Some(Tab { page, name, icon: stack.item, slots })
        };
        self.tabs = self.slots.iter().filter_map(tab).collect();
    }

    /// Has the slots show what the tabs say, and returns those from before if they were different. `lens`
    /// are the slots of the pages that there are.
    pub(crate) fn write(&mut self, pool: &mut DataPool, lens: &[(u32, u16)]) -> Option<Slots> {
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
        (slots != self.slots).then(|| core::mem::replace(&mut self.slots, slots))
    }
}

impl Container for Tabs {
    const NAME: &'static str = "tabs";
    const FILL: bool = false;

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

pub(crate) fn register(app: &mut App) {
    app.add_container::<Tabs>().add_item_data::<TabData>().add_systems(
        PreUpdate,
        read_tabs
            .after(InventorySystems::Reconcile)
            .before(InventorySystems::Notify)
            .run_if(not(authority_is_here)),
    );
    pages::register(app);
}

/// On a client: what the server shows, before the game is told.
fn read_tabs(
    mut shown: Query<&mut Tabs, (Changed<Tabs>, With<InView>, Allow<Disabled>)>,
    pool: Res<DataPool>,
) {
    for mut tabs in &mut shown {
        tabs.bypass_change_detection().read(&pool);
    }
}
