//! Tools: axes fell trees, pickaxes mine rocks, and both wear out.

use core::time::Duration;

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    items::Props,
    map::{self, Thing},
    protocol::{EffectKind, Energy, Position, Stump, WORK_REACH},
};

use super::{ground, news::News, players::Player};

/// What tools yield: the thing, the tag of the tool, and the possible items.
const YIELDS: [(Thing, &str, &[&str]); 2] =
    [(Thing::Tree, "fells", &["wood"]), (Thing::Rock, "mines", &["stone", "coal", "iron_ore"])];

/// A rare find in rocks, and how many hits there are for each find on average.
const FIND: (&str, u32) = ("emerald", 12);

/// Number of hits after which a tree is felled.
const TREE_HITS: u32 = 3;

/// Time in which a tree grows again.
const GROWTH: Duration = Duration::from_secs(90);

/// Number of uses of a tool that cost half a heart.
const USES_PER_ENERGY: u16 = 2;

/// Hits on trees that are not felled yet.
#[derive(Resource, Default, Debug)]
pub struct TreeHits(HashMap<IVec2, u32>);

/// Time until a stump is a tree again.
#[derive(Component, Debug)]
pub struct Growth(Timer);

type Worker = (
    (&'static Player, &'static Position),
    (&'static mut Energy, &'static mut Inventory, &'static mut Hotbar),
);

/// Implements [`InventoryAction::Use`] for tools. Written as if there were no network.
pub fn use_tool(
    used: On<ActionApplied<InventoryAction>>,
    items: Res<Items<Props>>,
    stumps: Query<&Position, With<Stump>>,
    mut players: Query<Worker>,
    mut hits: ResMut<TreeHits>,
    mut news: News,
    mut commands: Commands,
) {
    let InventoryAction::Use { slot: (entity, slot) } = used.action else { return };
    if used.actor != Some(entity) {
        return;
    }
    let Ok(((&Player(client), &Position(at)), (mut energy, mut inventory, mut hotbar))) =
        players.get_mut(entity)
    else {
        return;
    };
    let Some(index) = slot.index_in::<Hotbar>() else { return };
    let Some(tool) = hotbar.slots.get(index) else { return };
    let catalog = items.catalog();
    let fits = |tag| catalog.get(tool.item).is_some_and(|def| def.has_tag(tag));
    let Some((thing, _, yields)) = YIELDS.into_iter().find(|(_, tag, _)| fits(tag)) else {
        return;
    };
    let is_felled = |tile: &IVec2| stumps.iter().any(|there| map::tile_at(there.0) == *tile);
    let standing = map::tiles_with(thing).filter(|tile| !is_felled(tile));
    let Some(tile) = map::nearest_of(at, standing, WORK_REACH) else { return };
    if energy.0 == 0 {
        news.tell(client, "You have no hearts left to work. Eat something.");
        return;
    }
    news.effect(EffectKind::Work, at);
    let won = won(thing, yields);
    if let Some(rest) = inventory.add(won, catalog.max_stack(won.item)) {
        commands.spawn(ground::loot(at, rest));
    }
    let worn = tool.with_wear(tool.wear.saturating_add(1));
    if worn.wear.is_multiple_of(USES_PER_ENERGY) {
        energy.0 -= 1;
    }
    let uses = items.props(tool.item).map_or(0, |props| props.uses);
    let left = (worn.wear < uses).then_some(worn);
    if left.is_none() {
        news.effect(EffectKind::Break, at);
    }
    hotbar.set(index, left).expect("the slot contains the tool");
    if thing == Thing::Tree && hits.hit(tile) {
        let growth = Growth(Timer::new(GROWTH, TimerMode::Once));
        commands.spawn((Stump, Position(map::middle_of(tile)), growth, Replicated));
    }
}

fn won(thing: Thing, yields: &[&str]) -> Stack {
    let (find, hits) = FIND;
    if thing == Thing::Rock && fastrand::u32(..hits) == 0 {
        return ItemId::of(find).stack(1);
    }
    ItemId::of(yields[fastrand::usize(..yields.len())]).stack(fastrand::u32(1..=2))
}

impl TreeHits {
    /// Counts a hit. Returns `true` if it fells the tree.
    fn hit(&mut self, tree: IVec2) -> bool {
        let hits = self.0.entry(tree).or_default();
        *hits += 1;
        let is_felled = *hits >= TREE_HITS;
        if is_felled {
            self.0.remove(&tree);
        }
        is_felled
    }
}

pub fn grow_trees(
    time: Res<Time>,
    mut stumps: Query<(Entity, &mut Growth)>,
    mut commands: Commands,
) {
    for (stump, mut growth) in &mut stumps {
        if growth.0.tick(time.delta()).just_finished() {
            commands.entity(stump).despawn();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_hit_fells_a_tree_each_time() {
        let mut hits = TreeHits::default();
        let (tree, other) = (IVec2::new(1, 2), IVec2::new(5, 2));
        assert!(!hits.hit(tree));
        assert_eq!([(); 3].map(|()| hits.hit(other)), [false, false, true]);
        assert_eq!([(); 2].map(|()| hits.hit(tree)), [false, true]);
        assert_eq!([(); 3].map(|()| hits.hit(other)), [false, false, true]);
    }
}
