//! Clients send requests only; what client code writes is reverted.

use crate::common::*;

#[test]
fn writes_by_client_code_are_reverted() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).carried(0, TORCH.stack(9)).build();
    let up = bytes_up(&pair, 0);
    let world = pair.clients[0].app.world_mut();
    let mut mirror = world.query::<(&mut Inventory, &mut Hotbar)>().single_mut(world).unwrap();
    mirror.0.set(0, TORCH.stack(64)).unwrap();
    mirror.0.set(5, AXE.stack(1)).unwrap();
    mirror.1.select(4);
    pair.steps(2);
    assert_same(&pair, 0, player(0));
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().single(world).unwrap().selected_index(), 0);
    assert_eq!(stats(&pair.clients[0].app).slots_reverted, 2);
    assert_eq!(bytes_up(&pair, 0), up, "nothing is sent to the server");
}

#[test]
fn client_never_echoes_changes() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let before = bytes_up(&pair, 0);
    for n in 1..=50 {
        inventory(&mut pair, entity).set(3, TORCH.stack(n)).unwrap();
        pair.step();
    }
    pair.steps(5);
    assert_same(&pair, 0, player(0));
    assert_eq!(bytes_up(&pair, 0), before);
}
