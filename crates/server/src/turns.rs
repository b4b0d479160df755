//! Bounds how many exchanges are under way at the same time, and lets those that wait begin in groups.
//!
//! When tokens are wanted faster than the machine can sign them, an exchange that is begun at once only waits further on,
//! for a signature, and its work so far has kept others from a core. Those of a group write at the same time, so that they
//! share one flush of the disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Who is under way and who waits. Cheap to clone; clones share their turns.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// When so few are under way, others begin,
    few: usize,
    /// until so many are.
    many: usize,
}

/// The right to be under way; it ends when it is dropped.
#[derive(Debug)]
pub struct Turn(Turns);

impl Turns {
    /// `cores` is how many signatures can be made at the same time.
    pub fn new(cores: usize) -> Self {
        let (few, many) = (FEW * cores, MANY * cores);
        Self(Arc::new(Mutex::new(State { running: 0, waiting: VecDeque::new(), few, many })))
    }

    /// Waits until it is the caller's turn; `None` for one who has waited long enough and need not wait any longer. It
    /// is the database then that is slow, or everything: to wait here helps nobody.
    pub async fn take(&self) -> Option<Turn> {
        let told = {
            let mut state = self.state();
            if state.running < state.many && state.waiting.is_empty() {
                state.running += 1;
                return Some(Turn(self.clone()));
            }
            let (tell, told) = oneshot::channel();
            state.waiting.push_back(tell);
            told
        };
        timeout(PATIENCE, told).await.ok()?.ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let group: Vec<_> = {
            let mut state = self.0.state();
            state.running = state.running.saturating_sub(1);
            let free = if state.running > state.few { 0 } else { state.many - state.running };
            let group = free.min(state.waiting.len());
            state.running += group;
            state.waiting.drain(..group).collect()
        };
        for tell in group {
            // Whoever does not wait any longer gives the turn back.
            drop(tell.send(Self(self.0.clone())));
        }
    }
}

/// For each core: enough to keep it busy while the next group is written.
const FEW: usize = 4;
const MANY: usize = 12;
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    async fn full(turns: &Turns) -> Vec<Turn> {
        let mut running = Vec::new();
        for _ in 0..MANY {
            running.extend(turns.take().await);
        }
        assert_eq!(running.len(), MANY);
        running
    }

    #[tokio::test]
    async fn those_who_wait_begin_in_groups() {
        let turns = Turns::new(1);
        let mut running = full(&turns).await;
        let waiting = [(); 2].map(|()| {
            let turns = turns.clone();
            tokio::spawn(async move { turns.take().await })
        });
        tokio::task::yield_now().await;
        running.truncate(FEW + 1);
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        running.truncate(FEW);
        for one in waiting {
            assert!(one.await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn whoever_has_waited_long_enough_goes_on_and_leaves_the_turn_to_others() {
        let turns = Turns::new(1);
        let running = full(&turns).await;
        assert!(turns.take().await.is_none());
        drop(running);
        full(&turns).await;
    }
}
