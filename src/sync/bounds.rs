//! What must not compile.

/// A value that may not be sent is not shared by a lock.
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: T) {}
/// shared(gors::sync::Mutex::new(std::rc::Rc::new(1)));
/// ```
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: T) {}
/// shared(gors::sync::RwLock::new(std::cell::Cell::new(1)));
/// ```
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: T) {}
/// shared(gors::sync::OnceLock::<std::cell::Cell<u8>>::new());
/// ```
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: T) {}
/// shared(gors::sync::Pool::new(|| std::rc::Rc::new(1)));
/// ```
///
/// A guard is not sent where its value may not be.
///
/// ```compile_fail,E0277
/// fn sent<T: Send>(_: T) {}
/// let lock = gors::sync::RwLock::new(std::cell::Cell::new(1));
/// sent(lock.read());
/// ```
///
/// A guard does not outlive its lock.
///
/// ```compile_fail,E0515
/// fn escapes() -> gors::sync::MutexGuard<'static, i32> {
///     let mutex = gors::sync::Mutex::new(1);
///     mutex.lock()
/// }
/// ```
///
/// Functions that run in goroutines own what they use.
///
/// ```compile_fail,E0373
/// let n = 1;
/// gors::sync::WaitGroup::new().go(|| println!("{n}"));
/// ```
///
/// ```compile_fail,E0277
/// let rc = std::rc::Rc::new(1);
/// gors::time::after_func(std::time::Duration::ZERO, move || drop(rc));
/// ```
///
/// A function that may run again is shared by its runs.
///
/// ```compile_fail,E0277
/// let cell = std::cell::Cell::new(1);
/// gors::time::func_timer(std::time::Duration::ZERO, move || cell.set(2));
/// ```
///
/// Values of a context are shared by all who have it.
///
/// ```compile_fail,E0277
/// use gors::context::{Context, with_value};
/// with_value(&Context::background(), std::cell::Cell::new(1));
/// ```
struct Bounds;
