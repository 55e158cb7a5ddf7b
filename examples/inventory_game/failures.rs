//! What goes wrong outside of the game, in sentences that say what to do.

use std::{
    env, panic,
    path::{Path, PathBuf},
    process,
};

/// Where pictures are looked for, as Bevy does.
fn asset_root() -> PathBuf {
    let root = |name| env::var_os(name).map(PathBuf::from);
    let beside = || env::current_exe().ok()?.parent().map(PathBuf::from);
    let root = root("BEVY_ASSET_ROOT").or_else(|| root("CARGO_MANIFEST_DIR")).or_else(beside);
    root.unwrap_or_default().join("assets")
}

pub fn find_assets() -> Result<(), String> {
    let folder = asset_root();
    if folder.join("icons").is_dir() {
        return Ok(());
    }
    Err(format!(
        "There are no pictures in {}. Run the game with `cargo run`, or set BEVY_ASSET_ROOT to the \
         folder that has the folder `assets` of this repository in it.",
        folder.display()
    ))
}

/// Where a file is to be written.
pub fn find_folder(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_none_or(Path::is_dir) {
        return Ok(());
    }
    Err(format!("There is no folder for {}. Make it, or name another file.", file.display()))
}

pub fn picture(path: &str, why: &str) -> String {
    let why = why.lines().next().unwrap_or_default();
    format!(
        "The picture {path} is missing or broken ({why}). Restore it with `git checkout assets`, or \
         draw all anew with `python3 assets/art/make_art.py`."
    )
}

/// What the windowing and rendering libraries say when they give up, and what it means.
const MEANINGS: [(&str, &str); 3] = [
    (
        "Unable to find a GPU",
        "There is no Vulkan driver for a graphics card. Install one (Debian and Ubuntu: \
         `mesa-vulkan-drivers`, which also draws without a card), or play without a window: --headless.",
    ),
    (
        "build event loop",
        "No window can be opened: the display that DISPLAY or WAYLAND_DISPLAY names does not answer, or a \
         library such as libxkbcommon-x11 is missing. Correct it, or play without a window: --headless.",
    ),
    (
        "create wgpu surface",
        "The window cannot be drawn to: the Vulkan driver does not support this display. Update it, or \
         play without a window: --headless.",
    ),
];

/// Panics of libraries that mean something to a player are told in a sentence.
pub fn explain_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        if let Some((_, meaning)) = MEANINGS.iter().find(|(sign, _)| words.contains(sign)) {
            eprintln!("{meaning}");
            process::exit(1);
        }
        usual(info);
    }));
}
