//! The progress bar: on standard error, on a terminal only, drawn by a thread of its own.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use touchmark::walk::Progress;

/// A bar that goes away when dropped.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Shows how far a walk has come.
    pub(crate) fn of_walk(progress: &Arc<Progress>, quiet: bool) -> Self {
        let bar = Self::shown(quiet, "{spinner} {elapsed_precise} {msg}", None);
        if let Some(shown) = &bar.bar {
            let (shown, progress) = (shown.clone(), Arc::clone(progress));
            std::thread::spawn(move || {
                while !shown.is_finished() {
                    let bytes = touchmark::report::text::size(progress.bytes.load(Ordering::Relaxed));
                    shown.set_message(format!("{} files and parts, {bytes}", progress.artifacts.load(Ordering::Relaxed)));
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        bar
    }

    /// Shows how many of `total` inputs are done.
    pub(crate) fn of_batch(total: usize, quiet: bool) -> Self {
        Self::shown(quiet, "{spinner} {elapsed_precise} [{wide_bar}] {pos}/{len} images, {eta} left", u64::try_from(total).ok())
    }

    fn shown(quiet: bool, template: &str, total: Option<u64>) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar: Some(bar) }
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.bar.iter().for_each(|bar| bar.inc(1));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
