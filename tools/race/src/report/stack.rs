//! The stacks in a report: their lines, and which of them a reader need not see.

/// One line of a stack.
pub(super) struct Frame {
    function: String,
    place: String,
}

/// The beginnings of functions that a reader need not see: what is below a goroutine's first function
/// and above its `go!`.
const PLUMBING: [&str; 28] = [
    "__rust_try",
    "__tsan_",
    "alloc::alloc::",
    "alloc::boxed::Box<",
    "alloc::boxed::box_new",
    "core::ops::function::",
    "core::panic::unwind_safe::",
    "corosensei::",
    "dyn core::ops::function::",
    "fn() as core::ops::function::",
    "gors::sync::wait_group::WaitGroup>::go",
    "gors_goroutine_base",
    "gors_runtime::goroutine::",
    "gors_runtime::join::Outcome",
    "gors_runtime::join::Packet",
    "gors_runtime::raw::func_timer::",
    "gors_runtime::run::",
    "gors_runtime::sanitize::",
    "gors_runtime::scope::Scope>::start",
    "gors_runtime::spawn::",
    "gors_runtime::stack::",
    "malloc",
    "pthread_create",
    "stack_init_trampoline",
    "std::panic",
    "std::rt::lang_start",
    "std::sys::",
    "std::thread::",
];

impl Frame {
    /// `#0 name /file:1:2 (program+0x123) (BuildId: 45)`
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, rest) = text.strip_prefix('#')?.split_once(' ')?;
        number.parse::<u32>().ok()?;
        let rest = match rest.rfind("+0x").and_then(|at| rest[..at].rfind(" (")) {
            Some(at) => &rest[..at],
            None => rest,
        };
        let (function, place) = match rest.rfind(" /").or_else(|| rest.rfind(" <null>")) {
            Some(at) => (&rest[..at], rest[at + 1..].trim_start_matches("<null>")),
            None => (rest, ""),
        };
        Some(Self {
            function: function.to_owned(),
            place: place.to_owned(),
        })
    }

    fn is_plumbing(&self) -> bool {
        let name = self.function.trim_start_matches(['<', '&']);
        name == "main"
            || name.contains(" as core::ops::function::Fn")
            || PLUMBING.iter().any(|plumbing| name.starts_with(plumbing))
    }
}

/// Empties `frames` into `out`; those of the plumbing are left out unless there are no others.
pub(super) fn put(frames: &mut Vec<Frame>, out: &mut String) {
    let all_plumbing = frames.iter().all(Frame::is_plumbing);
    for frame in frames.drain(..) {
        if all_plumbing || !frame.is_plumbing() {
            out.push_str("  ");
            out.push_str(&frame.function);
            if !frame.place.is_empty() {
                out.push_str("\n      ");
                out.push_str(&frame.place);
            }
            out.push('\n');
        }
    }
}
