//! Scripted input, for tests and screenshots. It sends the same messages as keyboard and mouse.
//!
//! `wait 2; key E; point chest 4; press left; point backpack 3; release left; picture a.png; quit`
//!
//! | step | |
//! |---|---|
//! | `wait SECONDS` | |
//! | `until WORDS` | waits until a line of the report contains these words; fails after a minute |
//! | `at SECONDS` | waits until this Unix time |
//! | `key Ctrl+Q` | presses and releases keys |
//! | `hold D 0.5` | holds a key for this many seconds |
//! | `type 127.0.0.1` | types text |
//! | `point chest 4` | moves the mouse to a slot of `chest`, `backpack`, `hotbar` or another container, a `recipe`, a `button` by its text, or `ground` |
//! | `click WORDS` | clicks the text in the overlay that equals these words |
//! | `press left`, `release left` | a mouse button (`left` or `right`) or a key |
//! | `scroll -1` | |
//! | `go 26.5 8.2` | walks to this position, in tiles |
//! | `picture FILE.png` | takes a screenshot of the window, with a report of it in `FILE.txt` |
//! | `record FOLDER SECONDS` | takes ten screenshots per second, named by the Unix time in tenths of a second |
//! | `quit` | |

use core::{str::FromStr, time::Duration};
use std::{collections::VecDeque, path::PathBuf, time::SystemTime};

use bevy::{
    ecs::system::SystemParam,
    input::{
        ButtonState,
        keyboard::{Key, KeyboardInput},
        mouse::{MouseButtonInput, MouseScrollUnit, MouseWheel},
        touch::TouchPhase,
    },
    prelude::*,
    render::view::screenshot::{Screenshot, save_to_disk},
    window::{PrimaryWindow, WindowEvent},
};
use bevy_inventory_sync::{
    params::reader::InventoryReader,
    prelude::*,
    ui::{RecipeRow, SlotCell},
};

use crate::{
    protocol::{Position, Request},
    report::{Files, Lines, Overlaid, name_of},
    route,
};

/// Timeout of `until`, in seconds.
const PATIENCE: f32 = 60.0;

/// Distance at which `go` has arrived, in tiles. At low frame rates a player cannot get closer.
const NEAR: f32 = 0.3;

#[derive(Clone, PartialEq, Debug)]
enum Step {
    Wait(f32),
    Until(String, f32),
    At(f64),
    Key(Vec<KeyCode>, f32),
    Type(String),
    Point(String, String),
    Click(String),
    Scroll(f32),
    Go(Vec2),
    Hold(KeyCode, ButtonState),
    Mouse(MouseButton, ButtonState),
    Picture(PathBuf),
    Record(PathBuf, f32),
    Quit,
}

#[derive(Resource, Clone, PartialEq, Default, Debug)]
pub struct Steps(VecDeque<Step>);

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let steps = text.split(';').map(str::trim).filter(|step| !step.is_empty());
        steps.map(read).collect::<Result<_, _>>().map(Self)
    }
}

fn read(text: &str) -> Result<Step, String> {
    let mut words = text.split_whitespace();
    let mut word = || words.next().unwrap_or_default();
    let wrong = || format!("`{text}` is not a valid step");
    let number = |word: &str| word.parse::<f32>().map_err(|_| wrong());
    let button = |word: &str| match word {
        "left" => Ok(MouseButton::Left),
        "right" => Ok(MouseButton::Right),
        _ => Err(wrong()),
    };
    let keys = |word: &str| word.split('+').map(key).collect::<Option<Vec<_>>>().ok_or_else(wrong);
    let verb = word();
    let what = word();
    let rest = || text[verb.len()..].trim().to_owned();
    Ok(match verb {
        "wait" => Step::Wait(number(what)?),
        "until" => Step::Until(rest(), PATIENCE),
        "click" => Step::Click(rest()),
        "at" => Step::At(what.parse().map_err(|_| wrong())?),
        "key" => Step::Key(keys(what)?, 0.0),
        "hold" => Step::Key(keys(what)?, number(word())?),
        "type" => Step::Type(rest()),
        "point" => Step::Point(what.into(), rest()[what.len()..].trim().into()),
        "go" => Step::Go(Vec2::new(number(what)?, number(word())?)),
        "scroll" => Step::Scroll(number(what)?),
        "press" | "release" => {
            let state = if verb == "press" { ButtonState::Pressed } else { ButtonState::Released };
            match key(what) {
                Some(key) => Step::Hold(key, state),
                None => Step::Mouse(button(what)?, state),
            }
        }
        "picture" => Step::Picture(what.into()),
        "record" => Step::Record(what.into(), number(word())?),
        "quit" => Step::Quit,
        _ => return Err(wrong()),
    })
}

const KEYS: [(&str, KeyCode); 32] = [
    ("Ctrl", KeyCode::ControlLeft),
    ("Shift", KeyCode::ShiftLeft),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Escape),
    ("Tab", KeyCode::Tab),
    ("Space", KeyCode::Space),
    ("Backspace", KeyCode::Backspace),
    ("F1", KeyCode::F1),
    ("Up", KeyCode::ArrowUp),
    ("Down", KeyCode::ArrowDown),
    ("Left", KeyCode::ArrowLeft),
    ("Right", KeyCode::ArrowRight),
    ("A", KeyCode::KeyA),
    ("C", KeyCode::KeyC),
    ("D", KeyCode::KeyD),
    ("E", KeyCode::KeyE),
    ("F", KeyCode::KeyF),
    ("H", KeyCode::KeyH),
    ("L", KeyCode::KeyL),
    ("Q", KeyCode::KeyQ),
    ("R", KeyCode::KeyR),
    ("S", KeyCode::KeyS),
    ("T", KeyCode::KeyT),
    ("W", KeyCode::KeyW),
    ("1", KeyCode::Digit1),
    ("2", KeyCode::Digit2),
    ("3", KeyCode::Digit3),
    ("4", KeyCode::Digit4),
    ("5", KeyCode::Digit5),
    ("6", KeyCode::Digit6),
    ("7", KeyCode::Digit7),
    ("F3", KeyCode::F3),
];

fn key(name: &str) -> Option<KeyCode> {
    KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key)
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Playing>()
        .add_systems(First, (play, record).before(bevy::picking::PickingSystems::Input));
}

/// State of the playback.
#[derive(Resource, Default)]
struct Playing {
    /// Time until which to wait.
    until: f32,
    /// Keys to release at that time.
    held: Vec<KeyCode>,
    recording: Option<(PathBuf, f32)>,
    last_picture: u128,
}

/// Sends the messages that the windowing library would send.
#[derive(SystemParam)]
struct Fingers<'w, 's> {
    window: Single<'w, 's, (Entity, &'static Window), With<PrimaryWindow>>,
    slots: Query<'w, 's, (&'static SlotCell, &'static UiGlobalTransform)>,
    recipes: Query<'w, 's, (&'static RecipeRow, &'static UiGlobalTransform)>,
    texts: Query<'w, 's, (&'static Text, &'static UiGlobalTransform, &'static InheritedVisibility)>,
    reader: InventoryReader<'w, 's>,
    me: Query<'w, 's, &'static Position, With<LocalInventory>>,
    walks: MessageWriter<'w, Request>,
    overlaid: Res<'w, Overlaid>,
    lines: Res<'w, Lines>,
    keys: MessageWriter<'w, KeyboardInput>,
    moves: MessageWriter<'w, CursorMoved>,
    wheel: MessageWriter<'w, MouseWheel>,
    buttons: MessageWriter<'w, MouseButtonInput>,
    windows: MessageWriter<'w, WindowEvent>,
    commands: Commands<'w, 's>,
    exits: MessageWriter<'w, AppExit>,
}

impl Fingers<'_, '_> {
    fn key(&mut self, key_code: KeyCode, state: ButtonState, text: Option<&str>) {
        let window = self.window.0;
        let logical_key = text.map_or(Key::Dead(None), |text| Key::Character(text.into()));
        let text = text.map(Into::into);
        self.keys.write(KeyboardInput {
            key_code,
            logical_key,
            state,
            text,
            repeat: false,
            window,
        });
    }

    fn point(&mut self, at: Vec2) {
        let moved = CursorMoved { window: self.window.0, position: at, delta: None };
        self.moves.write(moved.clone());
        self.windows.write(WindowEvent::CursorMoved(moved));
    }

    fn place(&self, what: &str, which: &str) -> Vec2 {
        let index: u16 = which.parse().unwrap_or_default();
        let is_there = |cell: &SlotCell| {
            cell.slot.index == index && name_of(&self.reader, cell.place()) == what
        };
        let slot = self.slots.iter().find(|(cell, _)| is_there(cell)).map(|(_, at)| at);
        let recipe = RecipeId::of(which);
        let mut rows =
            self.recipes.iter().filter(|(row, _)| what == "recipe" && row.recipe == recipe);
        let mut texts = self
            .texts
            .iter()
            .filter(|(text, _, visible)| what == "button" && text.0 == which && visible.get());
        let widget = slot.or_else(|| rows.next().map(|(_, at)| at));
        match widget.or_else(|| texts.next().map(|(_, at, _)| at)) {
            Some(at) => at.translation / self.window.1.scale_factor(),
            // Outside all panels.
            None => self.window.1.size() * Vec2::new(0.96, 0.45),
        }
    }

    /// Ends the game with an error: once a step has failed, the following ones are meaningless.
    fn give_up(&mut self, why: &str) {
        eprintln!("{why}");
        self.exits.write(AppExit::error());
    }

    /// Returns `true` if the condition that a step waits for holds.
    fn have_waited(&mut self, step: &mut Step, passed: f32) -> bool {
        match step {
            Step::Until(words, left) => {
                *left -= passed;
                if *left < 0.0 {
                    self.give_up(&format!("Timed out waiting for a report line with `{words}`."));
                }
                self.lines.have(words)
            }
            Step::At(then) => now_since_1970().as_secs_f64() >= *then,
            Step::Go(to) => {
                let here = self.me.single().map_or(*to, |here| here.0);
                let there = here.distance(*to) < NEAR;
                let heading = if there { Vec2::ZERO } else { route::heading(here, *to) };
                self.walks.write(Request::Walk(heading));
                heading == Vec2::ZERO
            }
            _ => true,
        }
    }

    fn picture(&mut self, file: PathBuf) {
        self.commands.spawn(Screenshot::primary_window()).observe(save_to_disk(file));
    }
}

fn play(
    time: Res<Time<Real>>,
    mut steps: ResMut<Steps>,
    mut playing: ResMut<Playing>,
    mut files: ResMut<Files>,
    mut fingers: Fingers,
) {
    let now = time.elapsed_secs();
    if now < playing.until {
        return;
    }
    for key in core::mem::take(&mut playing.held) {
        fingers.key(key, ButtonState::Released, None);
    }
    let Some(mut step) = steps.0.pop_front() else { return };
    if !fingers.have_waited(&mut step, time.delta_secs()) {
        steps.0.push_front(step);
        return;
    }
    playing.until = now + 0.04;
    match step {
        Step::Wait(seconds) => playing.until = now + seconds,
        Step::Until(..) | Step::At(_) | Step::Go(_) => {}
        Step::Key(keys, seconds) => {
            for key in &keys {
                fingers.key(*key, ButtonState::Pressed, None);
            }
            playing.held = keys.into_iter().rev().collect();
            playing.until = now + seconds.max(0.05);
        }
        Step::Type(text) => {
            for letter in text.chars() {
                let text = letter.to_string();
                fingers.key(KeyCode::Unidentified(NO_KEY), ButtonState::Pressed, Some(&text));
            }
        }
        Step::Point(what, which) => {
            let at = fingers.place(&what, &which);
            fingers.point(at);
        }
        Step::Click(words) => {
            let all = &fingers.overlaid.painted;
            match all.iter().find(|painted| painted.text == words) {
                Some(painted) => {
                    let middle = painted.place.center();
                    fingers.point(Vec2::new(middle.x, middle.y));
                    steps.0.push_front(Step::Mouse(MouseButton::Left, ButtonState::Released));
                    steps.0.push_front(Step::Mouse(MouseButton::Left, ButtonState::Pressed));
                }
                None => fingers.give_up(&format!("The overlay has no text `{words}`.")),
            }
        }
        Step::Scroll(y) => {
            let (unit, phase) = (MouseScrollUnit::Line, TouchPhase::Moved);
            let window = fingers.window.0;
            fingers.wheel.write(MouseWheel { unit, x: 0.0, y, window, phase });
        }
        Step::Hold(key, state) => fingers.key(key, state, None),
        Step::Mouse(button, state) => {
            let press = MouseButtonInput { button, state, window: fingers.window.0 };
            fingers.buttons.write(press);
            fingers.windows.write(WindowEvent::MouseButtonInput(press));
        }
        Step::Picture(file) => {
            files.once.push(file.with_extension("txt"));
            fingers.picture(file);
            playing.until = now + 0.5;
        }
        Step::Record(folder, seconds) => playing.recording = Some((folder, now + seconds)),
        Step::Quit => {
            fingers.exits.write(AppExit::Success);
        }
    }
}

const NO_KEY: bevy::input::keyboard::NativeKeyCode =
    bevy::input::keyboard::NativeKeyCode::Unidentified;

fn now_since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn record(time: Res<Time<Real>>, mut playing: ResMut<Playing>, mut fingers: Fingers) {
    let Some((folder, until)) = playing.recording.clone() else { return };
    let tenths = now_since_1970().as_millis() / 100;
    if time.elapsed_secs() > until {
        playing.recording = None;
    } else if tenths != playing.last_picture {
        playing.last_picture = tenths;
        fingers.picture(folder.join(format!("{tenths}.png")));
    }
}
