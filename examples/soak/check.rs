//! The checks: agreement between the server and its clients, items, memory, logs.

use core::time::Duration;

use crate::{
    pipe::{Order, View},
    run::{Run, name},
};

/// Time for all clients to agree. A lost connection needs 15 seconds to be noticed, and then a new one.
const PATIENCE: Duration = Duration::from_secs(120);

/// Time between two comparisons of a check.
const PAUSE: Duration = Duration::from_millis(100);

/// Time to wait for all answers before the question is repeated.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// For a check that takes longer, the last difference is printed.
const SLOW: Duration = Duration::from_secs(3);

/// Maximum memory at the end, in percent of that after the warm-up.
const MEMORY_MAX: u64 = 110;

/// Shorter runs report the memory and do not judge it.
const MEMORY_RUN_MIN: Duration = Duration::from_secs(600);

/// Number of characters of an inventory in the description of a difference.
const SHOWN_MAX: usize = 3000;

impl Run {
    /// Pauses play, waits until all clients show what the server has, and continues.
    pub fn compare(&mut self) {
        self.order_all(Order::Pause);
        let began = self.clock.now();
        let mut difference = self.difference(false);
        let mut last = None;
        while difference.is_some()
            && self.failures.is_empty()
            && self.clock.now() < began + PATIENCE
        {
            let until = self.clock.now() + PAUSE;
            self.listen(until);
            last = core::mem::replace(&mut difference, self.difference(false));
        }
        let took = self.clock.now() - began;
        self.checks = (self.checks.0 + 1, self.checks.1.max(took));
        let seconds = self.clock.now().as_secs();
        let verdict = if difference.is_some() { "DIFFERENCE" } else { "agree" };
        println!(
            "{:>3}:{:02}  {verdict} after {:.1} s, {} items, {} slots changed",
            seconds / 60,
            seconds % 60,
            took.as_secs_f32(),
            self.server_stats.items,
            self.server_stats.slots,
        );
        if let Some(last) = last.filter(|_| took > SLOW) {
            println!("        waited for {}", last.lines().next().unwrap_or_default());
        }
        if difference.is_some() {
            self.agree = false;
            let difference = self.difference(true).or(difference);
            self.failures.extend(difference);
        }
        self.order_all(Order::Play);
    }

    /// Asks all processes for what they show. Returns the first difference, or who has not answered or waits.
    fn difference(&mut self, in_full: bool) -> Option<String> {
        self.last_show += 1;
        let number = self.last_show;
        self.order_all(Order::Show { number, in_full });
        let until = self.clock.now() + ANSWER_TIME;
        while self.missing(number).is_some() && self.clock.now() < until {
            self.listen(until);
        }
        if let Some(who) = self.missing(number) {
            return Some(format!("{} does not answer", name(who)));
        }
        if !in_full {
            let waits = |(who, settled): (u32, bool)| (!settled).then_some(who);
            if let Some(who) = self.settled().find_map(waits) {
                return Some(format!("{}: it is not connected, or waits for messages", name(who)));
            }
        }
        self.players.iter().find_map(|player| {
            let (account, shown) = player.shown.views.first_key_value()?;
            let Some(sent) = self.server_shown.views.get(account) else {
                return Some(format!("the server does not know client {account}"));
            };
            let mut ids: Vec<u64> = sent.keys().chain(shown.keys()).copied().collect();
            ids.sort_unstable();
            ids.dedup();
            let id = ids.into_iter().find(|id| sent.get(id) != shown.get(id))?;
            let [server, client] = [sent.get(&id), shown.get(&id)].map(text);
            Some(format!(
                "client {account}, inventory {id:016x}\n  server: {server}\n  client: {client}"
            ))
        })
    }

    /// Returns a process that has not answered.
    fn missing(&self, number: u64) -> Option<u32> {
        let clients = self.players.iter().map(|player| player.shown.number);
        let answers = core::iter::once(self.server_shown.number).chain(clients);
        (0..).zip(answers).find(|(_, answer)| *answer != number).map(|(who, _)| who)
    }

    fn settled(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        let clients = self.players.iter().map(|player| player.shown.settled);
        (0..).zip(core::iter::once(self.server_shown.settled).chain(clients))
    }

    /// Adds the failures that are known at the end only.
    pub fn judge(&mut self) {
        for wrong in &self.server_stats.wrong_counts {
            self.failures.push(format!("items are not conserved: {wrong}"));
        }
        if self.plan.length() >= MEMORY_RUN_MIN {
            for (process, memory) in self.memory_of_all() {
                if let [Some(start), Some(end)] = memory
                    && end * 100 > start * MEMORY_MAX
                {
                    self.failures.push(format!("{process} grew from {start} KiB to {end} KiB"));
                }
            }
        }
        for log in self.logs.counts().filter(|log| log.reason.is_none()) {
            self.failures.push(format!("logged {} times: {}", log.count, log.text));
        }
    }

    /// Returns the memory of each process after the warm-up and at the end, in KiB. Without a start if it was killed
    /// and started again.
    pub fn memory_of_all(&self) -> Vec<(String, [Option<u64>; 2])> {
        let own = [("the parent and relays".into(), &self.memory), (name(0), &self.server_memory)];
        let clients = (1..).zip(&self.players).map(|(who, player)| (name(who), &player.memory));
        let length = self.plan.length();
        let all = own.into_iter().chain(clients);
        all.map(|(process, memory)| (process, memory.start_and_end(length))).collect()
    }
}

fn text(view: Option<&View>) -> String {
    let Some(view) = view else { return "not in view".into() };
    let text = view.text.as_deref().unwrap_or("in view");
    text.chars().take(SHOWN_MAX).collect()
}
