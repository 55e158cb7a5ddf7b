//! Messages for failures outside of the game, with advice on how to fix them.

use std::{
    env, panic,
    path::{Path, PathBuf},
    process,
};

/// Returns the asset folder, determined in the same way as in Bevy.
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
        "No images were found in {}. Run the game with `cargo run`, or set BEVY_ASSET_ROOT to the \
         folder that contains this repository's `assets` folder.",
        folder.display()
    ))
}

/// Checks that the folder of an output file exists.
pub fn find_folder(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_none_or(Path::is_dir) {
        return Ok(());
    }
    Err(format!("There is no folder for {}. Create it, or choose another file.", file.display()))
}

pub fn picture(path: &str, why: &str) -> String {
    let why = why.lines().next().unwrap_or_default();
    format!(
        "The image {path} is missing or damaged ({why}). Restore it with `git checkout assets`, or \
         redraw all images with `python3 assets/art/make_art.py`."
    )
}

/// Panic messages of the windowing and rendering libraries, and explanations for players.
const MEANINGS: [(&str, &str); 3] = [
    (
        "Unable to find a GPU",
        "No Vulkan driver was found. Install one (Debian and Ubuntu: `mesa-vulkan-drivers`, which also \
         renders without a graphics card), or play without a window: --headless.",
    ),
    (
        "build event loop",
        "Cannot open a window: the display in DISPLAY or WAYLAND_DISPLAY does not respond, or a \
         library such as libxkbcommon-x11 is missing. Fix this, or play without a window: --headless.",
    ),
    (
        "create wgpu surface",
        "Cannot draw to the window: the Vulkan driver does not support this display. Update the driver, or \
         play without a window: --headless.",
    ),
];

/// Replaces known panics of libraries with messages for players.
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
