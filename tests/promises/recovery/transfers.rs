//! A chunked transfer survives interruptions, and cannot be made to cost without bounds.

use crate::common::{random::sample, *};
use bevy_inventory_sync::{
    model::data::Datum,
    server::inspect::footprints,
    wire::{
        Handover,
        message::{FullHead, MessageWriter},
        transfer::{CHUNK_BYTES, ChunkHead, pack, read_chunk, write_chunk},
    },
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A client on a network with latency, and a number of banks that have just become visible to it.
fn pair_with_banks(banks: u64, slots: usize) -> (Simulation, Vec<Entity>) {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).latency(3).build();
    let banks = (0..banks).map(|n| {
        let bank = spawn_chest(&mut pair, n, &[0]);
        pair.server.world_mut().entity_mut(bank).insert(noise(slots, n));
        bank
    });
    let banks = banks.collect();
    (pair, banks)
}

fn sent(pair: &Simulation) -> u64 {
    stats(&pair.server).chunks_sent
}

/// Steps until this number of chunks has been sent.
fn until_sent(pair: &mut Simulation, chunks: u64) {
    for _ in 0..300 {
        if sent(pair) >= chunks {
            return;
        }
        pair.step();
    }
    panic!("{} of {chunks} chunks were sent", sent(pair));
}

/// Number of chunks of an undisturbed transfer.
fn chunks_of(banks: u64, slots: usize) -> u64 {
    let (mut pair, _) = pair_with_banks(banks, slots);
    pair.settle(400);
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    sent(&pair)
}

#[test]
fn transfer_resumes_at_the_first_missing_chunk_after_a_resync() {
    let all = chunks_of(2, 8000);
    assert!(all > 40, "{all}");
    for at in sample((0..=all).step_by(3), 6) {
        let (mut pair, _) = pair_with_banks(2, 8000);
        until_sent(&mut pair, at);
        simulate_gap(&mut pair, 0);
        pair.settle(600);
        (0..2).for_each(|n| assert_same(&pair, 0, chest(n)));
        assert_same(&pair, 0, player(0));
        let client = stats(&pair.clients[0].app);
        assert_eq!((client.decode_errors, client.resyncs_requested), (1, 1), "at chunk {at}");
        let again = sent(&pair) - all;
        // Chunks in flight while the client requested the resync, and while that was deferred. A complete
        // transfer that was not applied yet is sent again.
        let most = if at < all - 20 { 22 } else { all + 22 };
        assert!(again <= most, "{again} chunks more, cut at {at} of {all}");
    }
}

#[test]
fn data_missing_from_the_chunks_is_sent_again_after_a_resync() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Note(String);
    impl ItemData for Note {
        const NAME: &'static str = "note";
    }
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_item_data::<Note>();
    });
    let note = Note("known from elsewhere".to_string());
    let data = pair.server.world_mut().resource_mut::<DataPool>().insert(&note).unwrap();
    let small = spawn_chest(&mut pair, 1, &[0]);
    inventory(&mut pair, small).set(0, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(50);
    hide(&mut pair, small, 0);
    pair.settle(50);
    pair.network.latency_ticks = 3;
    let bank = spawn_chest(&mut pair, 2, &[0]);
    pair.server.world_mut().entity_mut(bank).insert(noise(6000, 1));
    inventory(&mut pair, bank).set(5999, AXE.stack(1).with_data(data)).unwrap();
    until_sent(&mut pair, 5);
    simulate_gap(&mut pair, 0);
    pair.settle(600);
    assert_same(&pair, 0, chest(2));
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    assert!(pool.get::<Note>(data).is_some());
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 1, "one is enough");
}

/// Disconnects the client, connects it again, and returns the number of chunks that are sent from then on.
fn sent_after_reconnect(pair: &mut Simulation, banks: &[Entity]) -> u64 {
    pair.disconnect(0);
    pair.step();
    let before = sent(pair);
    pair.connect(0);
    banks.iter().for_each(|bank| show(pair, *bank, 0));
    pair.settle(600);
    sent(pair) - before
}

#[test]
fn complete_copies_survive_a_disconnect() {
    let all = chunks_of(6, 1500);
    let one = all / 6 + 1;
    for at in sample(0..=all, 8) {
        let (mut pair, banks) = pair_with_banks(6, 1500);
        until_sent(&mut pair, at);
        let again = sent_after_reconnect(&mut pair, &banks);
        (0..6).for_each(|n| assert_same(&pair, 0, chest(n)));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
        // Three chunks in flight are lost.
        let arrived = at.saturating_sub(4);
        assert!(again + arrived <= all + one + 1, "{again} chunks, cut at {at} of {all}");
    }
}

/// A message that hands over a transfer and brings data of a type that is not registered.
fn handover_with_unknown_data(number: u8, transfer: u8) -> Vec<u8> {
    let id = DataId(7.try_into().unwrap());
    let mut writer = MessageWriter::default();
    writer.begin_full(&FullHead {
        number,
        answers: None,
        reset: None,
        follows: 0,
        forgotten: &[],
        data: &[Datum { id, kind: 200, bytes: vec![1].into() }],
        closes: &[],
    });
    writer.opens(0, Some(&Handover { transfer, dropped: Vec::new() }), |_| {});
    writer.finish(&[]);
    writer.take_bytes().to_vec()
}

#[test]
fn rejected_message_does_not_consume_a_transfer() {
    let all = chunks_of(2, 4000);
    let (mut pair, banks) = pair_with_banks(2, 4000);
    let number = Rc::new(Cell::new(0));
    let chunk_channel = pair.chunk_channel();
    let seen = Rc::clone(&number);
    pair.tamper(move |_, on, bytes| {
        if let Ok((head, _)) = read_chunk(&bytes)
            && on == chunk_channel
        {
            seen.set(head.transfer);
        }
        vec![bytes]
    });
    // All chunks are at the client, and the real handover is not.
    let arrived = (0..300).any(|_| {
        pair.step();
        stats(&pair.clients[0].app).chunks_received == all
    });
    assert!(arrived);
    let next = next_number(&mut pair, 0);
    feed_full(&mut pair, 0, &handover_with_unknown_data(next, number.get()));
    pair.step();
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 1);
    // The client keeps the copies, so they are not sent again when it returns.
    let again = sent_after_reconnect(&mut pair, &banks);
    (0..2).for_each(|n| assert_same(&pair, 0, chest(n)));
    assert_eq!(again, 0);
}

#[test]
fn transfer_of_hidden_inventories_is_canceled() {
    let all = chunks_of(1, 4000);
    for at in sample(1..all, 6) {
        let (mut pair, banks) = pair_with_banks(1, 4000);
        until_sent(&mut pair, at);
        hide(&mut pair, banks[0], 0);
        pair.settle(200);
        assert!(sent(&pair) <= at + 1, "{} chunks, hidden at {at}", sent(&pair));
        assert_eq!(pair.shown::<Inventory>(0, chest(0)), None);
        show(&mut pair, banks[0], 0);
        pair.settle(200);
        assert_same(&pair, 0, chest(0));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    }
}

#[test]
fn transfer_is_canceled_when_one_of_its_inventories_is_hidden() {
    for hidden in [0, 1] {
        let (mut pair, banks) = pair_with_banks(2, 4000);
        let transfers = Rc::new(RefCell::new(Vec::new()));
        let (record, channel) = (transfers.clone(), pair.chunk_channel());
        pair.tamper(move |_, on, bytes| {
            if on == channel {
                record.borrow_mut().push(bytes[0]);
            }
            vec![bytes]
        });
        until_sent(&mut pair, 4);
        hide(&mut pair, banks[hidden], 0);
        pair.step();
        transfers.borrow_mut().clear();
        pair.settle(300);
        let mut numbers = core::mem::take(&mut *transfers.borrow_mut());
        numbers.dedup();
        assert_eq!(numbers, [2], "no chunk of the first transfer is sent");
        assert_eq!(pair.shown::<Inventory>(0, chest(hidden as u64)), None);
        assert_same(&pair, 0, chest(1 - hidden as u64));
        show(&mut pair, banks[hidden], 0);
        pair.settle(300);
        assert_same(&pair, 0, chest(hidden as u64));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    }
}

#[test]
fn chunks_of_a_hidden_inventory_are_not_sent_again_after_a_resync() {
    let all = chunks_of(2, 4000);
    let (mut pair, banks) = pair_with_banks(2, 4000);
    until_sent(&mut pair, all);
    // The client has not received the last chunks when it requests everything again.
    simulate_gap(&mut pair, 0);
    hide(&mut pair, banks[0], 0);
    pair.step();
    let (count, channel) = (Rc::new(Cell::new(0)), pair.chunk_channel());
    let counter = count.clone();
    pair.tamper(move |_, on, bytes| {
        counter.set(counter.get() + u32::from(on == channel && bytes[0] == 1));
        vec![bytes]
    });
    pair.settle(300);
    assert_eq!(count.get(), 0, "chunks of the first transfer");
    assert_eq!(pair.shown::<Inventory>(0, chest(0)), None);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn transfer_continues_when_one_of_its_inventories_is_despawned() {
    let (mut pair, banks) = pair_with_banks(2, 4000);
    until_sent(&mut pair, 4);
    pair.server.world_mut().despawn(banks[0]);
    pair.settle(300);
    assert_same(&pair, 0, chest(1));
    assert_eq!(pair.shown::<Inventory>(0, chest(0)), None);
    assert!(sent(&pair) <= chunks_of(2, 4000), "nothing is sent again");
}

#[test]
fn inventories_arrive_while_others_are_hidden_all_the_time() {
    let (mut pair, banks) = pair_with_banks(12, 1000);
    for n in 0..40 {
        pair.steps(12);
        hide(&mut pair, banks[n % 12], 0);
        show(&mut pair, banks[(n + 11) % 12], 0);
    }
    let is_shown = |n: &u64| pair.shown::<Inventory>(0, chest(*n)).is_some();
    let shown = (0..12).filter(is_shown).count();
    assert!(shown >= 6, "{shown} of 12 inventories");
}

#[test]
fn older_copy_in_a_transfer_is_not_opened_after_a_resync() {
    let (mut pair, banks) = pair_with_banks(2, 4000);
    until_sent(&mut pair, 4);
    // The first bank is small now, so it opens at once.
    *inventory(&mut pair, banks[0]) = Inventory::new(4000);
    let viewers = viewer(pair.client_id(0), Rights::SEE);
    pair.server.world_mut().entity_mut(banks[0]).insert(viewers);
    pair.steps(5);
    let is_empty = |pair: &Simulation| {
        pair.shown::<Inventory>(0, chest(0)).map(|slots| slots.iter().next().is_none())
    };
    assert_eq!(is_empty(&pair), Some(true));
    simulate_gap(&mut pair, 0);
    for tick in 0..200 {
        pair.step();
        assert_ne!(is_empty(&pair), Some(false), "tick {tick}");
    }
    pair.settle(200);
    (0..2).for_each(|n| assert_same(&pair, 0, chest(n)));
}

#[test]
fn chunks_that_arrive_before_the_reset_are_kept_whichever_transfer_they_belong_to() {
    // After some of the chunks have arrived, or all of them.
    for (hides, ticks) in [(false, 8), (true, 8), (true, 25)] {
        let (mut pair, banks) = pair_with_banks(2, 4000);
        until_sent(&mut pair, 4);
        // Everything but chunks is late.
        let (late, messages) = (Rc::new(Cell::new(true)), Rc::new(RefCell::new(Vec::new())));
        let (is_late, held, channel) = (late.clone(), messages.clone(), pair.sync_channel());
        pair.tamper(move |_, on, bytes| {
            if on != channel {
                return vec![bytes];
            }
            held.borrow_mut().push(bytes);
            if is_late.get() { Vec::new() } else { held.take() }
        });
        simulate_gap(&mut pair, 0);
        while messages.borrow().is_empty() {
            pair.step();
        }
        if hides {
            hide(&mut pair, banks[0], 0);
        }
        pair.steps(ticks);
        late.set(false);
        spawn_chest(&mut pair, 9, &[0]);
        pair.settle(400);
        assert_same(&pair, 0, chest(9));
        assert_same(&pair, 0, chest(1));
        assert_same(&pair, 0, player(0));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 1, "that of the gap");
    }
}

#[test]
fn hiding_one_inventory_after_another_does_not_build_a_transfer_each_time() {
    let (mut pair, banks) = pair_with_banks(12, 1000);
    until_sent(&mut pair, 4);
    let before = stats(&pair.server).copies_encoded;
    for bank in &banks[1..] {
        hide(&mut pair, *bank, 0);
        pair.step();
    }
    let encoded = stats(&pair.server).copies_encoded - before;
    assert!(encoded <= 2 * 11, "{encoded} copies: a new transfer every 100 ms, not in every tick");
    pair.settle(300);
    assert_same(&pair, 0, chest(0));
}

#[test]
fn reused_view_index_during_a_transfer_is_kept() {
    for settle_between in [false, true] {
        let (mut pair, banks) = pair_with_banks(2, 8000);
        until_sent(&mut pair, 4);
        // The first bank is hidden, and a small chest takes over its index.
        hide(&mut pair, banks[0], 0);
        pair.step();
        spawn_chest(&mut pair, 9, &[0]);
        pair.steps(6);
        assert_same(&pair, 0, chest(9));
        simulate_gap(&mut pair, 0);
        pair.steps(20);
        // Hiding the other bank cancels the whole transfer.
        if settle_between {
            pair.settle(300);
        }
        hide(&mut pair, banks[1], 0);
        pair.settle(300);
        assert_same(&pair, 0, chest(9));
        assert_same(&pair, 0, player(0));
    }
}

#[test]
fn unconfirmed_transfer_is_sent_again_after_growing_pauses() {
    let (mut pair, _) = pair_with_banks(1, 3000);
    let all = chunks_of(1, 3000);
    // The client never confirms it.
    pair.tamper_requests(|_, _, _| vec![]);
    // Abandoned after 30, 60, 120 and 120 seconds.
    for (seconds, abandoned) in [(31, 1), (60, 2), (120, 3), (120, 4)] {
        pair.steps(60 * seconds);
        assert_eq!(stats(&pair.server).transfers_abandoned, abandoned);
        assert!(pair.server_views().contains("Transfer {"), "the next attempt");
        assert_eq!(sent(&pair), (abandoned + 1) * all);
    }
    pair.stop_tampering();
    pair.steps(60 * 130);
    assert_same(&pair, 0, chest(0));
    assert_same(&pair, 0, player(0));
    // The pauses start from the shortest again.
    pair.tamper_requests(|_, _, _| vec![]);
    let bank = spawn_chest(&mut pair, 1, &[0]);
    pair.server.world_mut().entity_mut(bank).insert(noise(3000, 1));
    pair.steps(60 * 32);
    assert_eq!(stats(&pair.server).transfers_abandoned, 5);
}

#[test]
fn chunks_lost_from_any_number_of_transfers_are_replaced() {
    let (mut pair, _) = pair_with_banks(1, 3000);
    let channel = pair.chunk_channel();
    let mut chunks = 0;
    pair.tamper(move |_, sent_on, bytes| {
        chunks += u32::from(sent_on == channel);
        if sent_on == channel && chunks % 3 == 0 { vec![] } else { vec![bytes] }
    });
    pair.steps(60 * 220);
    assert_eq!(stats(&pair.server).transfers_abandoned, 3);
    pair.stop_tampering();
    pair.steps(60 * 130);
    assert_same(&pair, 0, chest(0));
    assert_same(&pair, 0, player(0));
}

#[derive(Resource, Default)]
struct Bar(Vec<TransferProgressed>);

#[test]
fn progress_is_emitted_for_every_chunk() {
    let (mut pair, _) = pair_with_banks(2, 3000);
    pair.clients[0]
        .app
        .init_resource::<Bar>()
        .add_observer(|on: On<TransferProgressed>, mut bar: ResMut<Bar>| bar.0.push(*on));
    pair.settle(300);
    let bar = &pair.clients[0].app.world().resource::<Bar>().0;
    let total = sent(&pair) as usize;
    let received: Vec<usize> = bar.iter().map(|there| there.received).collect();
    assert_eq!(received, (1..=total).collect::<Vec<_>>());
    assert!(bar.iter().all(|there| there.total == total));
}

/// All chunks of a transfer.
fn chunks(transfer: u8, bytes: &[u8]) -> Vec<Vec<u8>> {
    let total = bytes.len().div_ceil(CHUNK_BYTES);
    (0..total).map(|index| write_chunk(ChunkHead { transfer, index, total }, bytes)).collect()
}

#[test]
fn malformed_transfers_are_rejected_without_loss() {
    let lying = |claims: u32, content: &[u8]| {
        let mut bytes = pack(content);
        assert_eq!(bytes[0], 1, "it is compressed");
        bytes[1..5].copy_from_slice(&claims.to_le_bytes());
        bytes
    };
    let zeros = vec![0; 3_000_000];
    let whole = pack(&zeros);
    let bad: Vec<Vec<u8>> = vec![
        lying(u32::MAX, &zeros),
        lying(4_096_001, &zeros),
        lying(10, &zeros),
        lying(3_000_001, &zeros),
        whole[..whole.len() / 2].to_vec(),
        whole[..4].to_vec(),
        whole,
        vec![1, 0, 0, 0, 0],
        vec![2; 100],
        vec![0],
        vec![0; 5000],
    ];
    for (case, bytes) in bad.into_iter().enumerate() {
        let (mut pair, _) = pair_with_banks(1, 3000);
        pair.steps(6);
        let channel = pair.chunk_channel();
        for chunk in chunks(100, &bytes) {
            feed(&mut pair, 0, channel, chunk);
        }
        pair.steps(300);
        let client = stats(&pair.clients[0].app);
        assert_eq!(client.decode_errors, 1, "case {case}");
        assert_same(&pair, 0, player(0));
        assert_same(&pair, 0, chest(0));
    }
}

#[test]
fn repeated_overlapping_and_reordered_chunks_assemble() {
    for case in 0..3 {
        let (mut pair, _) = pair_with_banks(2, 5000);
        let channel = pair.chunk_channel();
        let mut held = Vec::new();
        pair.tamper(move |_, on, bytes| {
            if on != channel {
                return vec![bytes];
            }
            match case {
                0 => vec![bytes.clone(), bytes.clone(), bytes],
                1 => {
                    // The same chunk again, with other bytes: the first one counts.
                    let mut other = bytes.to_vec();
                    other[4..].fill(7);
                    vec![bytes, other.into()]
                }
                _ => {
                    let last =
                        read_chunk(&bytes).is_ok_and(|(head, _)| head.index + 1 == head.total);
                    held.push(bytes);
                    let heap = if last || held.len() == 5 { held.len() } else { 0 };
                    held.drain(..heap).rev().collect()
                }
            }
        });
        pair.steps(60);
        pair.stop_tampering();
        pair.steps(400);
        (0..2).for_each(|n| assert_same(&pair, 0, chest(n)));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 0, "case {case}");
    }
}

#[test]
fn unfinished_transfers_do_not_accumulate() {
    let (mut pair, _) = pair_with_banks(1, 3000);
    let channel = pair.chunk_channel();
    pair.steps(4);
    // A thousand transfers of four megabytes each, of which only the first chunk arrives.
    for n in 0..1000u32 {
        let head = ChunkHead { transfer: n.to_le_bytes()[0], index: 0, total: 4096 };
        feed(&mut pair, 0, channel, write_chunk(head, &vec![7; 4096 * CHUNK_BYTES]));
        if n % 50 == 0 {
            pair.step();
        }
    }
    simulate_gap(&mut pair, 0);
    pair.steps(300);
    assert_same(&pair, 0, chest(0));
    assert_same(&pair, 0, player(0));
    assert!(
        stats(&pair.clients[0].app).decode_errors < 20,
        "only those with the number of a real transfer"
    );
}

#[test]
fn chunk_with_a_damaged_number_does_not_delay_transfers() {
    for number in sample(0..=255, 12) {
        let (mut pair, banks) = pair_with_banks(2, 3000);
        until_sent(&mut pair, 3);
        let channel = pair.chunk_channel();
        let head = ChunkHead { transfer: number, index: 2, total: 42 };
        feed(&mut pair, 0, channel, write_chunk(head, &vec![7; 42 * CHUNK_BYTES]));
        pair.settle(300);
        let errors = stats(&pair.clients[0].app).decode_errors;
        assert_eq!(
            errors,
            u64::from(number == 1),
            "only the number of the first transfer is known"
        );
        (0..2).for_each(|n| assert_same(&pair, 0, chest(n)));
        // The second transfer.
        hide(&mut pair, banks[0], 0);
        pair.settle(300);
        show(&mut pair, banks[0], 0);
        pair.settle(300);
        assert_same(&pair, 0, chest(0));
        assert_eq!(stats(&pair.server).transfers_abandoned, 0, "number {number}");
    }
}

#[test]
fn inventories_that_were_hidden_are_not_kept_in_a_transfer() {
    let (mut pair, banks) = pair_with_banks(12, 1000);
    until_sent(&mut pair, 4);
    for bank in &banks[1..] {
        hide(&mut pair, *bank, 0);
    }
    pair.step();
    for (_, kept) in footprints(pair.server.world()) {
        assert!(kept.transferred > 0 && kept.transferred <= 2 * kept.views, "{kept:?}");
    }
    pair.settle(300);
    assert_same(&pair, 0, chest(0));
}

#[test]
fn transfer_numbers_wrap() {
    let (mut pair, banks) = pair_with_banks(1, 1100);
    pair.network.latency_ticks = 0;
    pair.settle(100);
    let count = Rc::new(Cell::new(0));
    let (counter, channel) = (count.clone(), pair.chunk_channel());
    pair.tamper(move |_, on, bytes| {
        let first = on == channel && bytes[1] == 0 && bytes[2] & 0xF == 0;
        counter.set(counter.get() + u32::from(first));
        vec![bytes]
    });
    for n in 0..270 {
        *inventory(&mut pair, banks[0]) = noise(1100, 100 + n);
        pair.steps(12);
    }
    pair.settle(100);
    assert!(count.get() > 256, "{} transfers", count.get());
    assert_same(&pair, 0, chest(0));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.decode_errors, client.resyncs_requested), (0, 0));
}
