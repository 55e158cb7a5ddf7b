//! The connection between the game and the worker. Neither waits for the other.

use core::time::Duration;
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Instant,
};

use bevy::{platform::cell::SyncCell, prelude::*};
use log::error;

use super::worker::{Order, Report, Worker};

/// Sends orders to the worker, and receives its reports.
#[derive(Resource)]
pub(super) enum StoreLink {
    /// The worker has a thread.
    Thread {
        /// `None` when the game ends.
        orders: Option<Sender<Order>>,
        reports: SyncCell<Receiver<Report>>,
        thread: Option<JoinHandle<()>>,
    },
    /// The worker runs in [`receive`](Self::receive), for tests.
    Inline { worker: SyncCell<Box<Worker>>, orders: SyncCell<Vec<Order>> },
}

impl StoreLink {
    /// Starts a thread with the worker.
    pub(super) fn start(worker: Worker) -> Self {
        let (orders, from_game) = channel();
        let (to_game, reports) = channel();
        let run = move || run(worker, &from_game, &to_game);
        let thread = thread::Builder::new().name("inventory store".into()).spawn(run);
        let thread = thread.inspect_err(|why| error!("cannot start the store thread: {why}")).ok();
        Self::Thread { orders: Some(orders), reports: SyncCell::new(reports), thread }
    }

    /// Runs the worker on the thread of the game.
    pub(super) fn inline(worker: Worker) -> Self {
        let (worker, orders) = (SyncCell::new(Box::new(worker)), SyncCell::new(Vec::new()));
        Self::Inline { worker, orders }
    }

    pub(super) fn send(&mut self, order: Order) {
        match self {
            // The thread ends after this only if it panicked, which is logged when it is joined.
            Self::Thread { orders, .. } => {
                drop(orders.as_ref().map(|orders| orders.send(order)));
            }
            Self::Inline { orders, .. } => orders.get().push(order),
        }
    }

    pub(super) fn receive(&mut self, now: Duration) -> Vec<Report> {
        match self {
            Self::Thread { reports, .. } => reports.get().try_iter().collect(),
            Self::Inline { worker, orders } => {
                let worker = worker.get();
                for order in orders.get().drain(..) {
                    worker.handle(order, now);
                }
                worker.step(now);
                worker.take_reports()
            }
        }
    }
}

impl Drop for StoreLink {
    /// Commits everything that was sent. The process must not end before that.
    fn drop(&mut self) {
        match self {
            Self::Thread { orders, thread, .. } => {
                orders.take();
                if thread.take().is_some_and(|thread| thread.join().is_err()) {
                    error!("the store thread panicked");
                }
            }
            Self::Inline { worker, orders } => {
                let worker = worker.get();
                for order in orders.get().drain(..) {
                    worker.handle(order, Duration::MAX);
                }
                worker.finish(Duration::MAX);
            }
        }
    }
}

/// Runs the worker until the game ends.
#[expect(clippy::disallowed_methods, reason = "this thread has no app, whose clock it could use")]
fn run(mut worker: Worker, orders: &Receiver<Order>, reports: &Sender<Report>) {
    let start = Instant::now();
    loop {
        let wait = worker.step(start.elapsed());
        for report in worker.take_reports() {
            // The game is about to end if nobody receives it.
            drop(reports.send(report));
        }
        let received = match wait {
            Some(wait) => orders.recv_timeout(wait),
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(order) => {
                let now = start.elapsed();
                worker.handle(order, now);
                orders.try_iter().for_each(|order| worker.handle(order, now));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return worker.finish(start.elapsed()),
        }
    }
}
