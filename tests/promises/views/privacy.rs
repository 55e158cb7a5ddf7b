//! No owner, no viewer, no bytes.

use crate::common::*;

#[test]
fn canary_never_reaches_a_non_viewer() {
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
        let received = pair.clients[1].record.iter().any(|(_, bytes)| contains_canary(bytes));
        assert_eq!(received, viewer, "client 1 in tick {n}");
    }
    assert!(
        pair.clients[0].record.iter().any(|(_, bytes)| contains_canary(bytes)),
        "the owner receives it"
    );
    assert!(
        !pair.clients[2].record.iter().any(|(_, bytes)| contains_canary(bytes)),
        "a stranger never does"
    );
}
