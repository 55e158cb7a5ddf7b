//! Readers that follow events have what the server has, also after cuts and restarts.

use crate::{common::*, follower::Copy};

/// Changes something at random, in all ways in which inventories change.
fn change(game: &mut Game, random: &mut fastrand::Rng) {
    let id = [player(0), player(1), chest(0), chest(1)][random.usize(0..4)];
    let stack = [None, Some(COIN.stack(random.u32(1..9))), Some(AXE.stack(1))][random.usize(0..3)];
    let client = game.sim.client_id(0);
    let world = game.world();
    let Some(entity) = world.resource::<InventoryIds>().get(id) else {
        world.spawn((id, slots(stack), HeldItem::default()));
        return;
    };
    let index = random.usize(0..4);
    match random.u8(0..18) {
        0 => drop(world.despawn(entity)),
        1 => drop(world.entity_mut(entity).remove::<Inventory>()),
        2 => drop(world.entity_mut(entity).remove::<Hotbar>()),
        3 => {
            let mut hotbar = Hotbar::default();
            hotbar.set(index, stack).unwrap();
            world.entity_mut(entity).insert(hotbar);
        }
        4 => {
            if let Some(mut inventory) = world.get_mut::<Inventory>(entity) {
                drop(inventory.0.resize(4 + random.usize(0..4)));
            }
        }
        5 | 6 => {
            if let Some(mut hotbar) = world.get_mut::<Hotbar>(entity) {
                hotbar.select(random.u8(0..9));
            }
        }
        7 => {
            let new = [player(2), chest(2)][random.usize(0..2)];
            if world.resource::<InventoryIds>().get(new).is_none() {
                world.entity_mut(entity).insert(new);
            }
        }
        8 => {
            let name = ["Ada", "Ben"][random.usize(0..2)];
            world.entity_mut(entity).insert(Name::new(name));
        }
        9 => drop(world.entity_mut(entity).insert(Owner(client))),
        10 => drop(world.entity_mut(entity).remove::<Owner>()),
        11 => {
            let mut viewers = Viewers::new();
            viewers.add(client, Rights::SEE);
            world.entity_mut(entity).insert(viewers);
        }
        12 => drop(world.entity_mut(entity).remove::<Viewers>()),
        _ => match world.get_mut::<Inventory>(entity) {
            Some(mut inventory) => drop(inventory.set(index, stack).unwrap()),
            None => drop(world.entity_mut(entity).insert(slots(stack))),
        },
    }
}

/// A reader, which may be cut off.
struct Reader {
    token: Option<GatewayToken>,
    copy: Option<Copy>,
    events: Option<Events>,
}

impl Reader {
    fn start(&mut self, game: &mut Game) {
        let init: WorldInit = game.ask("/world/init", self.token.as_ref()).json();
        let event = init.event.clone();
        self.copy = Some(Copy::of(init));
        self.events =
            Some(game.follow("/events", self.token.as_ref(), &[("Last-Event-ID", &event)]));
    }

    fn resume(&mut self, game: &mut Game, heals: bool) {
        let (token, copy) = (self.token.clone(), self.copy.as_mut().unwrap());
        if heals {
            assert!(copy.heal(|path| game.ask(path, token.as_ref())));
        }
        let event = format!("{}-{}", copy.epoch, copy.tick);
        self.events = Some(game.follow("/events", token.as_ref(), &[("Last-Event-ID", &event)]));
    }

    /// Applies events until the copy is of this tick, or nothing more comes.
    fn read(&mut self, until: &Copy) {
        let (events, copy) = (self.events.as_mut().unwrap(), self.copy.as_mut().unwrap());
        while copy.contents() != until.contents() {
            let event = events.next().unwrap();
            match event.name.as_str() {
                "hello" => {}
                "tick" => {
                    let tick: TickEvent = event.json();
                    assert_eq!(event.id, format!("{}-{}", tick.epoch, tick.tick));
                    copy.apply(tick);
                }
                other => panic!("{other}: {}", event.data),
            }
        }
    }
}

#[test]
fn readers_that_follow_have_what_the_server_has() {
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut game = Game::new(1);
        let owner = Owner(game.sim.client_id(0));
        let ada = game.spawn((InventoryId::named("ada", 1), owner, slots([COIN.stack(1)])));
        game.tick();
        let scope = Scope::Player(InventoryId::named("ada", 1));
        let tokens = [None, Some(game.operator.clone()), Some(game.tokens.issue(scope, None))];
        let mut readers = tokens.map(|token| Reader { token, copy: None, events: None });
        readers.iter_mut().for_each(|reader| reader.start(&mut game));
        for round in 0..40 {
            for _ in 0..random.usize(1..30) {
                (0..random.usize(0..4)).for_each(|_| change(&mut game, &mut random));
                if game.world().get::<Owner>(ada).is_none() {
                    game.world().entity_mut(ada).insert(owner);
                }
                game.sim.step();
            }
            game.wait();
            for reader in &mut readers {
                match random.u8(0..6) {
                    0 => reader.resume(&mut game, true),
                    1 => reader.resume(&mut game, false),
                    _ => {}
                }
                let token = reader.token.clone();
                let now = Copy::of(game.ask("/world/init", token.as_ref()).json());
                println!("seed {seed}, round {round}, {token:?}");
                reader.read(&now);
            }
        }
    }
}

#[test]
fn each_tick_with_changes_is_one_event() {
    let mut game = Game::new(0);
    let bank = game.spawn((chest(1), slots([COIN.stack(1)])));
    game.tick();
    let token = game.operator.clone();
    let mut events = game.follow("/events", Some(&token), &[]);
    events.expect("hello");
    let mut public = game.follow("/events", None, &[]);
    public.expect("hello");
    for count in 2..10 {
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        slots.set(0, COIN.stack(count)).unwrap();
        // Ticks without changes are not sent.
        game.ticks(2);
        let event: TickEvent = events.expect("tick").json();
        assert_eq!((event.first, event.slots.len()), (event.tick, 1));
        let change = &event.slots[0];
        assert_eq!(change.old.as_ref().unwrap().count, count - 1);
        assert_eq!(
            (change.new.as_ref().unwrap().count, change.cause.as_str()),
            (count, "undeclared")
        );
    }
    assert!(public.try_next().is_none(), "nothing public has changed");
}

#[test]
fn readers_that_are_behind_get_merged_events() {
    let mut game = Game::new(0);
    let bank = game.spawn((chest(1), slots([COIN.stack(1)])));
    game.tick();
    let token = game.operator.clone();
    let init: WorldInit = game.operate("/world/init").json();
    for count in 2..50 {
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        slots.set(0, COIN.stack(count)).unwrap();
        game.sim.step();
    }
    game.wait();
    let mut events = game.follow("/events", Some(&token), &[("Last-Event-ID", &init.event)]);
    events.expect("hello");
    let event: TickEvent = events.expect("tick").json();
    assert_eq!((event.first, event.tick, event.slots.len()), (init.tick + 1, init.tick + 48, 1));
    let change = &event.slots[0];
    assert_eq!(change.old.as_ref().map(|stack| stack.count), Some(1), "before the first of them");
    assert_eq!(change.new.as_ref().map(|stack| stack.count), Some(49));
}

#[test]
fn operators_can_follow_named_inventories() {
    let mut game = Game::new(0);
    let [first, second] = [1, 2].map(|n| game.spawn((chest(n), slots([COIN.stack(1)]))));
    game.tick();
    let token = game.operator.clone();
    let path = format!("/events?inventories={},{}", chest(2), chest(3));
    let mut events = game.follow(&path, Some(&token), &[]);
    events.expect("hello");
    for entity in [first, second] {
        game.world().get_mut::<Inventory>(entity).unwrap().set(0, None).unwrap();
        game.tick();
    }
    let event: TickEvent = events.expect("tick").json();
    assert_eq!(event.slots[0].inventory, chest(2).to_string());
}

#[test]
fn readers_that_are_too_late_start_again() {
    let tiny = |plugin: InventoryGatewayPlugin| {
        plugin.limits(GatewayLimits {
            window_bytes: 3000,
            request_burst: 100_000,
            ..GatewayLimits::default()
        })
    };
    let mut game = Game::with(0, tiny, |_| ());
    let bank = game.spawn((chest(1), slots([COIN.stack(1)])));
    game.tick();
    let token = game.operator.clone();
    let init: WorldInit = game.operate("/world/init").json();
    for count in 2..100 {
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        slots.set(0, COIN.stack(count)).unwrap();
        game.sim.step();
    }
    game.wait();
    let mut late = Copy::of(init.clone());
    assert!(!late.heal(|path| game.operate(path)), "the ticks are gone");
    let future = [999_999, u64::MAX].map(|tick| format!("{}-{tick}", init.epoch));
    for event in [init.event.as_str(), "00000000-5", &future[0], &future[1]] {
        let mut events = game.follow("/events", Some(&token), &[("Last-Event-ID", event)]);
        events.expect("hello");
        let reset: serde_json::Value = events.expect("reset").json();
        let reason = if event.starts_with(&init.epoch) { "expired" } else { "restarted" };
        assert_eq!(reset["reason"], reason, "{event}");
        // The stream continues from the current tick.
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        let count = slots.get(0).unwrap().count();
        slots.set(0, COIN.stack(count + 1)).unwrap();
        game.tick();
        assert_eq!(events.expect("tick").json::<TickEvent>().slots.len(), 1);
    }
}

#[test]
fn reader_without_events_is_kept_alive_in_a_busy_world() {
    let often = |plugin: InventoryGatewayPlugin| {
        plugin.limits(GatewayLimits {
            keep_alive: std::time::Duration::from_millis(200),
            request_burst: 100_000,
            ..GatewayLimits::default()
        })
    };
    let mut game = Game::with(0, often, |_| ());
    let bank = game.spawn((chest(1), slots([COIN.stack(1)])));
    game.tick();
    let mut stream = std::net::TcpStream::connect(game.address).unwrap();
    let request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let (mut read, mut buffer) = (String::new(), [0; 4096]);
    wait_until(|| {
        // Something changes in every tick, but nothing that everyone may see.
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        let count = slots.get(0).unwrap().count();
        slots.set(0, COIN.stack(count + 1)).unwrap();
        game.sim.step();
        while let Ok(bytes @ 1..) = std::io::Read::read(&mut stream, &mut buffer) {
            read.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
        }
        read.matches(": no changes\nid: ").count() >= 2
    });
}
