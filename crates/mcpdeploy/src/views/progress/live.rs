//! The terminal: lines that stay scroll up, lines that move are drawn ten times a second.
//!
//! Events only change a model; a thread draws it. So a run of thousands of steps costs no more
//! drawing than a run of ten, and times go on while nothing happens.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcpdeploy_engine::event::Event;

use super::model::Model;
use crate::views::style::Theme;

const TICK: Duration = Duration::from_millis(100);
/// More lines than these at once cannot be read: the rest are counted.
const AT_ONCE: usize = 20;

/// Draws a run on a terminal. Leaves it clean when dropped.
pub(super) struct Live {
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<()>>,
}

struct Shared {
    theme: Theme,
    bar: ProgressBar,
    inner: Mutex<Inner>,
    /// Wakes the drawer when it is to end.
    wake: Condvar,
}

struct Inner {
    /// Where lines that stay are written: the terminal that is drawn on.
    out: Box<dyn Write + Send>,
    model: Model,
    /// Lines that are to stay, and whether each must be shown.
    queue: Vec<(String, bool)>,
    drawn: bool,
    over: bool,
}

impl Live {
    pub(super) fn new(
        out: Box<dyn Write + Send>,
        target: ProgressDrawTarget,
        theme: Theme,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let shared = Arc::new(Shared {
            theme,
            bar,
            inner: Mutex::new(Inner {
                out,
                model: Model::default(),
                queue: Vec::new(),
                drawn: false,
                over: false,
            }),
            wake: Condvar::new(),
        });
        let drawing = Arc::clone(&shared);
        let drawer = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || drawing.run())
            .ok();
        Self { shared, drawer }
    }

    pub(super) fn say(&self, line: String, important: bool) {
        self.shared.lock().queue.push((line, important));
    }

    pub(super) fn event(&self, event: &Event) {
        let mut inner = self.shared.lock();
        inner.model.take(event, Instant::now());
        // What comes next on the terminal must find it clean. Without a drawer, all is drawn here.
        let settles = match event {
            Event::RunFinished { .. } => true,
            Event::Reading { done, total } => done == total && inner.drawn,
            Event::CancelRequested { .. } | Event::Recovered { .. } => true,
            Event::RunStarted { .. }
            | Event::NodeStarted { .. }
            | Event::NodePhase { .. }
            | Event::NodeRetrying { .. }
            | Event::NodeFinished { .. } => self.drawer.is_none(),
        };
        if settles {
            self.shared.draw(&mut inner);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        {
            let mut inner = self.shared.lock();
            inner.over = true;
            inner.model = Model::default();
            self.shared.draw(&mut inner);
        }
        self.shared.wake.notify_all();
        if let Some(drawer) = self.drawer.take() {
            // It has nothing to tell but that it ended.
            let _ = drawer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves at worst a line out.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut inner = self.lock();
        while !inner.over {
            self.draw(&mut inner);
            inner = self
                .wake
                .wait_timeout(inner, TICK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Under the lock, so that nothing is drawn twice or in the wrong order.
    fn draw(&self, inner: &mut Inner) {
        let lines = few(std::mem::take(&mut inner.queue), &self.theme);
        if !lines.is_empty() {
            let mut text = lines.join("\n");
            text.push('\n');
            // Written beside the bar, not through it: it would fill each line up with spaces.
            self.bar.suspend(|| {
                let _ = inner
                    .out
                    .write_all(text.as_bytes())
                    .and_then(|()| inner.out.flush());
            });
        }
        let frame = inner.model.frame(Instant::now(), &self.theme);
        if !frame.is_empty() {
            if !inner.drawn {
                // Draws what it showed last, which is nothing.
                self.bar.reset();
            }
            self.bar.set_message(frame.join("\n"));
            inner.drawn = true;
        } else if inner.drawn {
            self.bar.set_message("");
            self.bar.finish_and_clear();
            inner.drawn = false;
        }
    }
}

/// The lines, those that need not be shown counted when they are too many.
fn few(queue: Vec<(String, bool)>, theme: &Theme) -> Vec<String> {
    if queue.len() <= AT_ONCE {
        return queue.into_iter().map(|(line, _)| line).collect();
    }
    let mut left_out = 0;
    let mut lines = Vec::new();
    for (index, (line, important)) in queue.into_iter().enumerate() {
        if important || index < AT_ONCE / 2 {
            lines.push(line);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        lines.push(format!("  {} and {left_out} more", theme.ellipsis()));
    }
    lines
}
