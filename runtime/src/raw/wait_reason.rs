//! What goroutines wait for, in Go's words.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a goroutine waits for. `Display` gives the words that Go uses in its dumps.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum WaitReason {
            $($(#[$doc])* $name,)*
        }

        impl WaitReason {
            const ALL: &[WaitReason] = &[$(WaitReason::$name,)*];

            /// The reason as a dump prints it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(WaitReason::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// Waits for nothing.
    None = "",
    /// A receive.
    ChanReceive = "chan receive",
    /// A send.
    ChanSend = "chan send",
    /// A receive from a nil channel: for ever.
    ChanReceiveNil = "chan receive (nil chan)",
    /// A send to a nil channel: for ever.
    ChanSendNil = "chan send (nil chan)",
    /// A `select!`.
    Select = "select",
    /// A `select!` without arms: for ever.
    SelectNoCases = "select (no cases)",
    /// `time::sleep`.
    Sleep = "sleep",
    /// `Mutex::lock`.
    MutexLock = "sync.Mutex.Lock",
    /// `RwLock::read`.
    RwLockRead = "sync.RWMutex.RLock",
    /// `RwLock::write`.
    RwLockWrite = "sync.RWMutex.Lock",
    /// `Condvar::wait`.
    CondWait = "sync.Cond.Wait",
    /// `WaitGroup::wait`.
    WaitGroupWait = "sync.WaitGroup.Wait",
    /// `Semaphore::acquire`.
    SemAcquire = "semacquire",
    /// `Once::call_once`, `OnceLock`, `LazyLock`.
    OnceDo = "sync.Once.Do",
    /// `Barrier::wait`.
    BarrierWait = "barrier wait",
    /// `JoinHandle::join`.
    Join = "join",
    /// The end of `scope`.
    Scope = "scope",
    /// `Parker::park`.
    Park = "park",
    /// `block_on`.
    BlockOn = "block on future",
    /// The thread that called `run`.
    Run = "run",
    /// A queued locked goroutine.
    LockedToThread = "waiting for a permit (locked to thread)",
    /// The caller of `testing::synctest` or `testing::explore`.
    Synctest = "synctest.Run",
    /// `testing::wait`.
    SynctestWait = "synctest.Wait",
    /// A poller.
    IoWait = "IO wait",
}

impl WaitReason {
    /// The reason whose number is `n`.
    pub(crate) fn from_u8(n: u8) -> Self {
        Self::ALL.get(n as usize).copied().unwrap_or(Self::None)
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
