//! How urgent the work of a thread is.

/// Has the calling thread stand back when others want the same core: for work that keeps a core busy, so that work of
/// microseconds need not wait for the end of its time slice. It stays back for good, and gets about half of what another
/// thread gets while both want the core. Only Linux gives each thread an urgency of its own.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    // A process may always become less urgent; where it cannot, it is as before.
    let _ = rustix::process::nice(STEPS);
}

/// Steps of `nice(2)`: with ten, a third of the sign-ins of a busy machine is gone; with none, a start beside them takes
/// twice as long.
#[cfg(target_os = "linux")]
const STEPS: i32 = 3;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn a_thread_stands_back_alone() {
        let before = getpriority_process(None).unwrap();
        let there = std::thread::spawn(|| {
            stand_back();
            getpriority_process(None).unwrap()
        });
        assert_eq!(there.join().unwrap(), (before + STEPS).min(19));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
