//! Large buffers that are used again: fresh memory costs more than a Fourier transform.

use std::sync::{Mutex, PoisonError};

/// Buffers that are not in use.
#[derive(Debug)]
pub struct Pool<T>(Mutex<Vec<Vec<T>>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Copy + Default> Pool<T> {
    /// A buffer of `n` elements with arbitrary contents.
    pub fn take(&self, n: usize) -> Vec<T> {
        let mut buffer = self.lock().pop().unwrap_or_default();
        buffer.truncate(n);
        buffer.resize(n, T::default());
        buffer
    }

    /// Takes a buffer back.
    pub fn put(&self, buffer: Vec<T>) {
        self.lock().push(buffer);
    }

    // A panic elsewhere leaves a list of buffers as good as before.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
