//! Locking a mutex whose holder may have panicked.
//!
//! A panic is a bug that ends its own connection; the others go on with the state as it is, because
//! every critical section here leaves it consistent at each step.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) trait LockExt<T> {
    /// The guard, also after a panic of another holder.
    fn guard(&self) -> MutexGuard<'_, T>;
}

impl<T> LockExt<T> for Mutex<T> {
    fn guard(&self) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
