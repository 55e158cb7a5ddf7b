//! Private by construction: no owner, no viewer, no bytes.

use super::*;

/// 16 bytes that no other test data has: every wear is a piece of it.
pub(super) fn canary() -> Vec<Option<Stack>> {
    [0xC0DE_u16, 0xBEEF, 0xF00D, 0xCAFE].map(|wear| Some(AXE.stack(1).worn(wear))).to_vec()
}

/// Whether the canary's bits are in a message, at whatever bit they start.
pub(super) fn sings(bytes: &[u8]) -> bool {
    let bits: Vec<bool> = bytes.iter().flat_map(|b| (0..8).map(move |n| b >> n & 1 == 1)).collect();
    let wears = [0xC0DE_u16, 0xBEEF, 0xF00D, 0xCAFE];
    wears.iter().any(|wear| {
        let piece: Vec<bool> = (0..16).map(|n| wear >> n & 1 == 1).collect();
        bits.windows(16).any(|window| window == piece)
    })
}

#[test]
fn a_canary_never_appears_in_a_non_viewers_bytes() {
    let mut pair = pair(3);
    pair.record = true;
    let own = spawn_player(&mut pair, 0);
    let shared = spawn_chest(&mut pair, 1, &[0]);
    spawn_player(&mut pair, 1);
    spawn_player(&mut pair, 2);
    pair.server.world_mut().entity_mut(own).insert((Replicated, HeldItem::default()));
    pair.steps(4);
    *inventory(&mut pair, own) = Inventory::from_slots(canary().into_iter().collect());
    *inventory(&mut pair, shared) = Inventory::from_slots(canary().into_iter().collect());
    pair.steps(3);
    for n in 0..20 {
        let _ = inventory(&mut pair, own).swap(n % 4, (n + 1) % 4);
        let _ = inventory(&mut pair, shared).swap(n % 4, (n + 1) % 4);
        let client = pair.client_id(1);
        let mut viewers = pair.server.world_mut().get_mut::<Viewers>(shared).unwrap();
        if n == 10 {
            viewers.add(client, Rights::SEE);
        }
        pair.step();
        let viewer = n >= 10;
        let heard = pair.clients[1].record.iter().any(|(_, bytes)| sings(bytes));
        assert_eq!(heard, viewer, "client 1 in tick {n}");
    }
    assert!(pair.clients[0].record.iter().any(|(_, bytes)| sings(bytes)), "the owner hears it");
    assert!(!pair.clients[2].record.iter().any(|(_, bytes)| sings(bytes)), "a stranger never does");
}

#[test]
fn a_client_without_views_gets_ten_bytes_when_it_says_hello_and_none_after() {
    let mut pair = pair(2);
    let own = spawn_player(&mut pair, 0);
    pair.steps(4);
    let before = bytes_down(&pair, 1);
    for n in 1..30 {
        inventory(&mut pair, own).set(0, TORCH.stack(n)).unwrap();
        pair.step();
    }
    assert_eq!(bytes_down(&pair, 1), before);
    assert_eq!(stats(&pair.clients[1].app).bytes_received, 10);
}

#[test]
fn a_client_that_has_not_said_hello_gets_nothing() {
    let mut pair = pair(1);
    let late = pair.add_client(|app| {
        setup(app);
        app.world_mut().remove_resource::<Catalogue>();
    });
    pair.connect(late);
    spawn_player(&mut pair, late);
    pair.steps(10);
    assert_eq!(stats(&pair.clients[late].app).messages_received, 0);
    let items = Items::<()>::from_ron(ITEMS).unwrap();
    pair.clients[late].app.insert_items(items);
    pair.steps(5);
    assert_same(&pair, late, player(late as u64));
}

#[test]
fn a_server_that_is_still_loading_hears_the_hello_when_it_is_done() {
    let mut pair = pair(1);
    pair.server.world_mut().remove_resource::<Catalogue>();
    let late = pair.add_client(setup);
    pair.connect(late);
    spawn_player(&mut pair, late);
    pair.steps(20);
    assert!(pair.shown::<Inventory>(late, player(late as u64)).is_none());
    pair.server.insert_items(Items::<()>::from_ron(ITEMS).unwrap());
    pair.steps(3);
    assert_same(&pair, late, player(late as u64));
    assert_eq!(stats(&pair.server).requests_malformed, 0);
}
