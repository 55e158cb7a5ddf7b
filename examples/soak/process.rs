//! The processes that the parent starts: this program with other arguments.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::Sender,
    thread,
};

use crate::pipe::{Order, Report};

/// Something that a process wrote.
pub struct Event {
    /// Which process: zero for the server, otherwise the account of a client.
    pub who: u32,
    /// How often it had been started again.
    pub life: u32,
    pub what: What,
}

pub enum What {
    Report(Report),
    /// A line on the standard error stream.
    Log(String),
    /// Its standard output ended.
    Gone,
}

pub struct Process {
    child: Child,
    orders: ChildStdin,
}

impl Process {
    /// Starts a process, with a thread for each of its output streams.
    ///
    /// # Errors
    ///
    /// Fails if the process cannot be started.
    pub fn start(args: &[String], who: u32, life: u32, events: &Sender<Event>) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(args)
            // Plain log lines, of the level that the app sets.
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(orders), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the process has no pipes"));
        };
        let sender = events.clone();
        let send = move |what| sender.send(Event { who, life, what }).is_ok();
        let log = send.clone();
        thread::spawn(move || {
            let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
            lines.all(|line| log(What::Log(line)))
        });
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.all(|line| match serde_json::from_str(&line) {
                Ok(report) => send(What::Report(report)),
                Err(_) => send(What::Log(format!("not a report: {line}"))),
            });
            send(What::Gone)
        });
        Ok(Self { child, orders })
    }

    /// Gives an order. A process that has ended is noticed by [`What::Gone`].
    pub fn order(&mut self, order: Order) {
        if let Ok(line) = serde_json::to_string(&order) {
            writeln!(self.orders, "{line}").ok();
        }
    }

    /// Id for the operating system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as a crash would.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be ended.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Returns whether the process succeeded; `None` while it runs.
    pub fn success(&mut self) -> Option<bool> {
        self.child.try_wait().ok()?.map(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill().ok();
    }
}
