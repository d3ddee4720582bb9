//! Goroutines with a name, a stack size or a panic policy of their own.
//!
//! Unlike `go!` and `spawn` a builder can say no: before it makes anything it asks for the promise of a
//! stack ([`depot`](crate::stack::depot)) and for a record.

use std::io;
use std::panic::Location;
use std::sync::Arc;

use crate::exit::PanicPolicy;
use crate::goroutine::record::flag;
use crate::join::JoinHandle;
use crate::sanitize;
use crate::sched::stackless;
use crate::spawn::{Extras, joinable, main_id, try_start};
use crate::stack::{SizeClass, Slot, current_slot};

/// Makes goroutines with a name, a stack size or a panic policy of their own.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use gors_runtime::Builder;
/// let handle = Builder::new()
///     .name("parser")
///     .stack_size(1 << 20)
///     .spawn(|| gors_runtime::goroutine_name())?;
/// assert_eq!(handle.join().unwrap().as_deref(), Some("parser"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing until `spawn`, `go` or `run` is called"]
pub struct Builder {
    name: Option<Arc<str>>,
    stack_size: usize,
    policy: PanicPolicy,
    main_thread: bool,
}

impl Builder {
    /// A builder that makes goroutines as [`spawn`](crate::spawn()) and [`go!`](crate::go) do.
    pub fn new() -> Self {
        Self::default()
    }

    /// The goroutine's name, shown in dumps and panics.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(Arc::from(name.as_ref()));
        self
    }

    /// The least number of bytes of stack that the goroutine needs. Memory is used page by page as
    /// the stack grows; the size is address space. 0 is the default, `GORS_STACK_SIZE`.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// What a panic in a goroutine made by [`go`](Self::go) does.
    /// [`set_panic_policy`](crate::set_panic_policy) can make it milder, not harsher.
    ///
    /// ```
    /// use gors_runtime::{Builder, PanicPolicy};
    /// Builder::new()
    ///     .panic_policy(PanicPolicy::Isolate)
    ///     .go(|| panic!("ends this goroutine only"))
    ///     .unwrap();
    /// ```
    pub fn panic_policy(mut self, policy: PanicPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// For [`run`](Self::run): keeps the main goroutine on the calling thread. Some graphics
    /// libraries ask for that.
    ///
    /// ```
    /// use std::thread;
    /// let caller = thread::current().id();
    /// let main = gors_runtime::Builder::new()
    ///     .main_thread(true)
    ///     .run(|| thread::current().id());
    /// assert_eq!(main, caller);
    /// ```
    pub fn main_thread(mut self, keep: bool) -> Self {
        self.main_thread = keep;
        self
    }

    /// What the goroutine gets, and the promise of a stack.
    fn extras(self, flags: u16) -> io::Result<Extras> {
        let _hidden = sanitize::hide();
        let class = match self.stack_size {
            0 => crate::config::get().stack_class,
            size => SizeClass::for_stack(size)?,
        };
        stackless::promise(current_slot().map(Slot::worker), class)?;
        let isolated = self.policy == PanicPolicy::Isolate;
        Ok(Extras {
            flags: if isolated {
                flags & !flag::FATAL_PANIC
            } else {
                flags
            },
            name: self.name,
            promised: Some(class),
            id: 0,
        })
    }

    fn spawn_flagged<F, T>(
        self,
        f: F,
        flags: u16,
        created: &'static Location<'static>,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let extras = self.extras(flags)?;
        let (body, packet) = joinable(f);
        let id = try_start(body, &extras, created)?;
        Ok(JoinHandle::new(packet, id, extras.name))
    }

    /// Runs `f` in a new goroutine, as [`spawn`](crate::spawn()).
    ///
    /// # Errors
    ///
    /// If there is no stack of the wanted size, or no memory for one: the address space is used up or
    /// limited (`ulimit -v`), or, where guards cost mappings, `vm.max_map_count` of them are in use. The
    /// error says which. `f` is dropped then. A goroutine whose `spawn` succeeded has a stack promised
    /// to it; memory is used when it runs. (A goroutine of [`go!`](crate::go) is never refused: it waits
    /// until a stack comes free.)
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let handle = gors_runtime::Builder::new().stack_size(1 << 20).spawn(|| 5)?;
    /// assert_eq!(handle.join().unwrap(), 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let created = Location::caller();
        self.spawn_flagged(f, 0, created)
    }

    /// As [`spawn`](Self::spawn), for the body of a test.
    #[track_caller]
    pub(crate) fn spawn_test<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let created = Location::caller();
        self.spawn_flagged(f, flag::TEST, created)
    }

    /// Runs `f` in a new goroutine, as [`go!`](crate::go).
    ///
    /// # Errors
    ///
    /// If there is no stack of the wanted size, or no memory for one: the address space is used up or
    /// limited (`ulimit -v`), or, where guards cost mappings, `vm.max_map_count` of them are in use. The
    /// error says which. `f` is dropped then. A goroutine whose `spawn` succeeded has a stack promised
    /// to it; memory is used when it runs. (A goroutine of [`go!`](crate::go) is never refused: it waits
    /// until a stack comes free.)
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// gors_runtime::Builder::new().name("logger").go(|| println!("started"))?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn go<F>(self, f: F) -> io::Result<()>
    where
        F: FnOnce() + Send + 'static,
    {
        let created = Location::caller();
        let extras = self.extras(flag::FATAL_PANIC)?;
        try_start(f, &extras, created).map(|_| ())
    }

    /// Runs `f` as the main goroutine, as [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// With the panic of `f`, and if no stack of the wanted size is to be had.
    ///
    /// Go: `func main`.
    ///
    /// ```
    /// let name = gors_runtime::Builder::new()
    ///     .name("main")
    ///     .run(gors_runtime::goroutine_name);
    /// assert_eq!(name.as_deref(), Some("main"));
    /// ```
    #[track_caller]
    pub fn run<F, T>(self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        if current_slot().is_some() {
            return f();
        }
        if self.main_thread {
            let extras = Extras {
                name: self.name,
                id: main_id(),
                ..Extras::default()
            };
            return crate::run::on_this_thread(f, extras);
        }
        if self.stack_size == 0 {
            // Like a goroutine of `go!`, main waits for a stack where there is none.
            let extras = Extras {
                flags: flag::MAIN,
                name: self.name,
                id: main_id(),
                ..Extras::default()
            };
            return crate::run::as_goroutine(f, extras, Location::caller());
        }
        match self.extras(flag::MAIN) {
            Ok(extras) => {
                let extras = Extras {
                    id: main_id(),
                    ..extras
                };
                crate::run::as_goroutine(f, extras, Location::caller())
            }
            Err(error) => panic!("{error}"),
        }
    }
}
