//! Pathfinding for bots, the demo and scripted input.

use std::collections::VecDeque;

use bevy::{platform::collections::HashMap, prelude::*};

use crate::map;

const SIDES: [IVec2; 4] = [IVec2::X, IVec2::NEG_X, IVec2::Y, IVec2::NEG_Y];

/// Returns the direction to walk from one position to another, around obstacles; zero on arrival or without a path.
pub fn heading(from: Vec2, to: Vec2) -> Vec2 {
    let (start, goal) = (map::tile_at(from), map::tile_at(to));
    if start == goal {
        return towards(from, to);
    }
    let mut next: HashMap<IVec2, IVec2> = HashMap::default();
    let mut open = VecDeque::from([goal]);
    while let Some(tile) = open.pop_front() {
        for side in SIDES.map(|side| tile + side) {
            if (map::is_free(side) || side == start) && !next.contains_key(&side) {
                next.insert(side, tile);
                open.push_back(side);
            }
        }
        if let Some(step) = next.get(&start) {
            return towards(from, map::middle_of(*step));
        }
    }
    Vec2::ZERO
}

fn towards(from: Vec2, to: Vec2) -> Vec2 {
    let way = to - from;
    if way.length() < 0.08 { Vec2::ZERO } else { way.normalize() }
}
