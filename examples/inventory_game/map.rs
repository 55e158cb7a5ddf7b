//! The world: one map, shared by all players.

use bevy::prelude::*;

pub const WIDTH: i32 = 40;
pub const HEIGHT: i32 = 24;

const ROWS: [&[u8; 40]; 24] = [
    b"TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT",
    b"TT.TT..f.....T.....==....T..TT...T..TTTT",
    b"T.....B............==.........f......TTT",
    b"T..f......R........==...f........T....TT",
    b"TT......T.........f==.B..S.........B...T",
    b"T..............T..f==................f.T",
    b"T..######..........==......:::::::.....T",
    b"T..#....#...f......==....:::~~~~~:::...T",
    b"T..#.C..#..........==f...:~~~~~~~~~:..TT",
    b"TT.#.==.#.......T.====...:~~~~~~~~~::..T",
    b"T..##==##........======..:~~~~~~~~~~:f.T",
    b"T....==.........f======f.::~~~~~~~~::..T",
    b"T....==============C===...::~~~~~~::...T",
    b"T..f.==================.....::::::..R..T",
    b"T...............f======f..C...K.......TT",
    b"TT...R..F.........====.f....T...B......T",
    b"T.........f........==..............f...T",
    b"T..B...............==..................T",
    b"T......T...........==...f....#######...T",
    b"TT............f....==============C.#...T",
    b"T...f..............=============...#.TTT",
    b"T.........B......T........f..#######...T",
    b"TT..T...........f......T.......T.......T",
    b"TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT",
];

/// Half of a player's width, in tiles.
const GIRTH: f32 = 0.28;

/// Position of the gate to another world, if the server has one. It is at the end of the road to the north.
pub const GATE: Vec2 = Vec2::new(20.0, 22.3);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ground {
    Grass,
    Path,
    Sand,
    Water,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thing {
    Tree,
    Bush,
    Rock,
    Fence,
    Flower,
    Chest,
    Bank,
    Furnace,
    Shrine,
}

/// Iterates over all tiles. The tile at the lower left is `(0, 0)`.
pub fn tiles() -> impl Iterator<Item = IVec2> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| IVec2::new(x, y)))
}

pub fn tile_at(position: Vec2) -> IVec2 {
    position.floor().as_ivec2()
}

/// Returns the position of something that stands on a tile.
pub fn middle_of(tile: IVec2) -> Vec2 {
    tile.as_vec2() + Vec2::new(0.5, 0.3)
}

fn letter(tile: IVec2) -> u8 {
    let row = usize::try_from(HEIGHT - 1 - tile.y).ok().and_then(|row| ROWS.get(row));
    let column = usize::try_from(tile.x).ok();
    row.zip(column).and_then(|(row, column)| row.get(column).copied()).unwrap_or(b'T')
}

pub fn ground_at(tile: IVec2) -> Ground {
    match letter(tile) {
        b'=' => Ground::Path,
        b':' => Ground::Sand,
        b'~' => Ground::Water,
        b'C' if ground_at(tile - IVec2::Y) == Ground::Path => Ground::Path,
        _ => Ground::Grass,
    }
}

pub fn thing_at(tile: IVec2) -> Option<Thing> {
    match letter(tile) {
        b'T' => Some(Thing::Tree),
        b'B' => Some(Thing::Bush),
        b'R' => Some(Thing::Rock),
        b'#' => Some(Thing::Fence),
        b'f' => Some(Thing::Flower),
        b'C' => Some(Thing::Chest),
        b'K' => Some(Thing::Bank),
        b'F' => Some(Thing::Furnace),
        b'S' => Some(Thing::Shrine),
        _ => None,
    }
}

/// Returns the position of a chest or another thing that opens, which stands on a tile.
pub fn chest_on(tile: IVec2) -> Vec2 {
    tile.as_vec2() + Vec2::new(0.5, 0.0)
}

/// Iterates over the tiles that have a thing of this kind, from south to north.
pub fn tiles_with(wanted: Thing) -> impl Iterator<Item = IVec2> {
    tiles().filter(move |tile| thing_at(*tile) == Some(wanted))
}

/// Returns the nearest tile within reach that has a thing of this kind.
pub fn nearest(from: Vec2, wanted: Thing, reach: f32) -> Option<IVec2> {
    nearest_of(from, tiles_with(wanted), reach)
}

/// Returns the nearest of some tiles within reach.
pub fn nearest_of(from: Vec2, tiles: impl Iterator<Item = IVec2>, reach: f32) -> Option<IVec2> {
    let far = |tile: &IVec2| middle_of(*tile).distance(from);
    tiles.filter(|tile| far(tile) < reach).min_by(|a, b| far(a).total_cmp(&far(b)))
}

pub fn is_free(tile: IVec2) -> bool {
    ground_at(tile) != Ground::Water && matches!(thing_at(tile), None | Some(Thing::Flower))
}

/// Returns `true` if a player can stand with the feet at `position`.
pub fn is_standable(position: Vec2) -> bool {
    let corners = [(-GIRTH, -0.1), (GIRTH, -0.1), (-GIRTH, 0.2), (GIRTH, 0.2)];
    corners.into_iter().all(|(x, y)| is_free(tile_at(position + Vec2::new(x, y))))
}

/// Walking speed, in tiles per second.
pub const SPEED: f32 = 4.5;

/// Returns the position after walking for a time. A player slides along what blocks the way.
pub fn step(from: Vec2, heading: Vec2, speed: f32, seconds: f32) -> Vec2 {
    let way = heading * speed * seconds;
    [Vec2::new(way.x, 0.0), Vec2::new(0.0, way.y)]
        .into_iter()
        .fold(from, |place, part| if is_standable(place + part) { place + part } else { place })
}

/// Returns a pseudorandom number that is the same for a tile in every run.
pub fn noise(tile: IVec2) -> u32 {
    let UVec2 { x, y } = tile.as_uvec2();
    let mut mixed = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
        mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297A_2D39);
    }
    mixed ^ (mixed >> 15)
}
