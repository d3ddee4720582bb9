//! `select!` and `select_biased!`: from the arms' text to one call of the engine.
//!
//! The expansion has three steps, each a group of rules of the one hidden macro, which carries
//! crossbeam's name for its counterpart because programs call it by that:
//!
//! * `@parse` eats one arm after the other and sorts it into `[kind handle value pattern body]` and
//!   the default.
//! * `@build` gives each arm a variable. All of them are called `arm`: each was born in its own
//!   step of the expansion, so hygiene keeps them apart, and the number of arms has no limit.
//! * The code: evaluate handles, run the engine, take from the chosen arm what it received or won, in
//!   a block that ends with every arm; its value is an [`Either`] chain, one link per arm. Then a
//!   `match` evaluates a send's value and sends it, binds the pattern and runs the body, in the
//!   caller's own control flow: `break`, `continue`, `return` and `?` mean what they say.

use std::time::Duration;

use super::arm::ArmRef;
use super::engine::{self, Patience};
use crate::link::deadline_in;

/// The index that stands for the default arm.
pub const DEFAULT: usize = usize::MAX;

/// The result of one arm, or of one further down.
#[derive(Debug)]
pub enum Either<A, B> {
    /// This arm.
    This(A),
    /// A later one.
    Later(B),
}

fn pointers<'a>(arms: &'a mut [ArmRef<'_>]) -> &'a [*mut super::arm::Arm] {
    // SAFETY: `ArmRef` is transparent over its pointer.
    unsafe { &*(&raw const *arms as *const [*mut super::arm::Arm]) }
}

/// Waits for one of the arms.
#[inline]
pub fn block(arms: &mut [ArmRef<'_>], biased: bool) -> usize {
    // SAFETY: each `ArmRef` borrows its own arm, whose handle is borrowed in turn.
    unsafe { engine::select(pointers(arms), Patience::Until(None), biased) }
        .expect("without a deadline an arm is won")
}

/// One of the arms, or [`DEFAULT`] if none is possible now.
#[inline]
pub fn attempt(arms: &mut [ArmRef<'_>], biased: bool) -> usize {
    let arms = pointers(arms);
    if let [arm] = *arms {
        // SAFETY: as in `block`.
        let won = unsafe { engine::attempt_one(arm, biased) };
        return if won { 0 } else { DEFAULT };
    }
    // SAFETY: as in `block`.
    unsafe { engine::select(arms, Patience::Try, biased) }.unwrap_or(DEFAULT)
}

/// Waits for one of the arms, or [`DEFAULT`] when the time is up.
#[inline]
pub fn within(arms: &mut [ArmRef<'_>], timeout: Duration, biased: bool) -> usize {
    // SAFETY: as in `block`.
    unsafe {
        engine::select(
            pointers(arms),
            Patience::Until(deadline_in(timeout)),
            biased,
        )
    }
    .unwrap_or(DEFAULT)
}

/// `select! {}`: blocks for ever.
pub fn nothing() -> ! {
    gors_runtime::raw::park_forever(gors_runtime::raw::WaitReason::SelectNoCases)
}

/// No arm's pattern matched what its operation yielded.
#[cold]
#[track_caller]
pub fn mismatch() -> ! {
    panic!("select!: the result does not match the pattern of the chosen arm")
}

/// Waits for one of several channel operations and runs its arm (Go's `select`).
///
/// ```text
/// select! {
///     recv(handle) -> pattern => body,
///     send(handle, value) -> pattern => body,
///     default => body,              // or default(timeout) => body
/// }
/// ```
///
/// Handles are a [`Chan`](crate::Chan), [`Receiver`](crate::Receiver) or [`Sender`](crate::Sender),
/// both faces mixed as you like, or anything that dereferences to one. An arm yields what its
/// handle's blocking operation returns: `Option<T>` or `Result<T, RecvError>`, and `()` (panicking
/// on a closed channel) or `Result<(), SendError<T>>`.
///
/// * The handles are evaluated once, in order, before anything else; a send's value only when its
///   arm was chosen, so what it moves is still there in the other arms. (Go evaluates it first; bind
///   it with `let` for that.) The value must not wait for the peer it will be sent to.
/// * The handles are borrowed until the value was sent; temporaries in their expressions live until
///   the body has run, as those of a `match` do.
/// * Among the possible operations one is chosen at random, each with the same chance. An operation
///   that fails at once because its channel is closed is possible.
/// * `default` runs if none is possible at that instant, `default(timeout)` if none became so in
///   time.
/// * `select! {}` blocks for ever.
/// * If the pattern can fail to match, as in `recv(c) -> Some(v)`, and does, the arm panics.
///
/// Up to 16 arms need no memory from the heap.
///
/// ```
/// use gors_chan::{make, select, unbounded};
/// use std::time::Duration;
///
/// let jobs = make::<i32>(1);
/// let (results, _r) = unbounded();
/// jobs.send(1);
/// select! {
///     recv(jobs) -> job => assert_eq!(job, Some(1)),
///     default(Duration::from_secs(1)) => unreachable!(),
/// }
/// select! {
///     recv(jobs) -> _ => unreachable!(),
///     send(results, 2) -> sent => sent.unwrap(),
/// }
/// ```
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => {{
        #[allow(dead_code)]
        const _IS_BIASED: bool = false;
        $crate::crossbeam_channel_internal! { $($tokens)* }
    }};
}

/// As [`select!`](crate::select!), but of several possible operations the first in the list is
/// chosen.
///
/// ```
/// use gors_chan::{select_biased, unbounded};
///
/// let (s1, r1) = unbounded();
/// let (s2, r2) = unbounded();
/// s1.send(1).unwrap();
/// s2.send(2).unwrap();
/// select_biased! {
///     recv(r1) -> v => assert_eq!(v, Ok(1)),
///     recv(r2) -> _ => unreachable!(),
/// }
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($tokens:tt)*) => {{
        #[allow(dead_code)]
        const _IS_BIASED: bool = true;
        $crate::crossbeam_channel_internal! { $($tokens)* }
    }};
}

/// The common part of the two; expects a constant `_IS_BIASED` in scope.
#[doc(hidden)]
#[macro_export]
macro_rules! crossbeam_channel_internal {
    // ---- @parse [arms so far] [default] rest
    //
    // A body is an expression and a comma, or a block, or the last expression. The attempts must
    // come in this order: `{ … }.method(),` is an expression, `{ … } recv(…)` is a block and the
    // next arm.

    (@parse $arms:tt $default:tt) => {
        $crate::crossbeam_channel_internal! { @build [] $arms $default }
    };
    (@parse $arms:tt $default:tt default => $($rest:tt)+) => {
        $crate::crossbeam_channel_internal! { @parse $arms $default default() => $($rest)+ }
    };
    (@parse $arms:tt [] default $args:tt => $body:expr, $($rest:tt)*) => {
        $crate::crossbeam_channel_internal! { @parse $arms [$args $body] $($rest)* }
    };
    (@parse $arms:tt [] default $args:tt => $body:block $($rest:tt)*) => {
        $crate::crossbeam_channel_internal! { @parse $arms [$args $body] $($rest)* }
    };
    (@parse $arms:tt [] default $args:tt => $body:expr) => {
        $crate::crossbeam_channel_internal! { @parse $arms [$args $body] }
    };
    (@parse $arms:tt [$($default:tt)+] default $args:tt => $($rest:tt)*) => {
        ::core::compile_error!("select!: there can be only one `default` arm")
    };
    (@parse $arms:tt $default:tt default $($rest:tt)*) => {
        ::core::compile_error!(
            "select!: expected `default => body`, `default() => body` or `default(timeout) => body`"
        )
    };
    (@parse [$($arms:tt)*] $default:tt $kind:ident $args:tt -> $pat:pat => $body:expr, $($rest:tt)*) => {
        $crate::crossbeam_channel_internal! {
            @parse [$($arms)* ($kind $args ($pat) ($body))] $default $($rest)*
        }
    };
    (@parse [$($arms:tt)*] $default:tt $kind:ident $args:tt -> $pat:pat => $body:block $($rest:tt)*) => {
        $crate::crossbeam_channel_internal! {
            @parse [$($arms)* ($kind $args ($pat) ($body))] $default $($rest)*
        }
    };
    (@parse [$($arms:tt)*] $default:tt $kind:ident $args:tt -> $pat:pat => $body:expr) => {
        $crate::crossbeam_channel_internal! {
            @parse [$($arms)* ($kind $args ($pat) ($body))] $default
        }
    };
    (@parse $arms:tt $default:tt $kind:ident $args:tt => $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `-> pattern` after `", ::core::stringify!($kind $args), "`"
        ))
    };
    (@parse $arms:tt $default:tt $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `recv(handle) -> pattern => body`, `send(handle, value) -> pattern => body` or \
             `default => body`, found `", ::core::stringify!($($rest)+), "`"
        ))
    };

    // ---- @build [arms with variables] [arms without] default

    (@build [$($built:tt)*] [(recv($handle:expr $(,)?) $pat:tt $body:tt) $($arms:tt)*] $default:tt) => {
        $crate::crossbeam_channel_internal! {
            @build
            [$($built)* (recv arm RecvArm __gors_recv_arm ($handle) () () $pat $body)]
            [$($arms)*]
            $default
        }
    };
    // Once a literal is looked for, the parser insists on one behind a minus: `-x` must not come to
    // that.
    (@build
        [$($built:tt)*]
        [(send($handle:expr, - $($value:tt)+) $pat:tt $body:tt) $($arms:tt)*]
        $default:tt
    ) => {
        $crate::crossbeam_channel_internal! {
            @build
            [$($built)* (send arm SendArm __gors_send_arm ($handle) () (- $($value)+) $pat $body)]
            [$($arms)*]
            $default
        }
    };
    // When a literal is evaluated cannot be seen, so a peer may have it before the arm is
    // completed.
    (@build
        [$($built:tt)*]
        [(send($handle:expr, $value:literal $(,)?) $pat:tt $body:tt) $($arms:tt)*]
        $default:tt
    ) => {
        $crate::crossbeam_channel_internal! {
            @build
            [$($built)* (
                send arm SendArm __gors_send_arm ($handle)
                ($crate::__private::SendArm::preset(&mut arm, $value);) ($value) $pat $body
            )]
            [$($arms)*]
            $default
        }
    };
    (@build
        [$($built:tt)*]
        [(send($handle:expr, $value:expr $(,)?) $pat:tt $body:tt) $($arms:tt)*]
        $default:tt
    ) => {
        $crate::crossbeam_channel_internal! {
            @build
            [$($built)* (send arm SendArm __gors_send_arm ($handle) () ($value) $pat $body)]
            [$($arms)*]
            $default
        }
    };
    (@build $built:tt [(recv $args:tt $pat:tt $body:tt) $($arms:tt)*] $default:tt) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `recv(handle)`, found `recv", ::core::stringify!($args), "`"
        ))
    };
    (@build $built:tt [(send $args:tt $pat:tt $body:tt) $($arms:tt)*] $default:tt) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `send(handle, value)`, found `send", ::core::stringify!($args), "`"
        ))
    };
    (@build $built:tt [($kind:ident $args:tt $pat:tt $body:tt) $($arms:tt)*] $default:tt) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `recv`, `send` or `default`, found `", ::core::stringify!($kind), "`"
        ))
    };

    // Nothing at all.
    (@build [] [] []) => {
        $crate::__private::nothing()
    };
    // No default.
    (@build $built:tt [] []) => {
        $crate::crossbeam_channel_internal! {
            @code $built (arms => $crate::__private::block(arms, _IS_BIASED)) ($crate::__private::mismatch())
        }
    };
    // `default`.
    (@build $built:tt [] [() $body:expr]) => {
        $crate::crossbeam_channel_internal! {
            @code $built (arms => $crate::__private::attempt(arms, _IS_BIASED)) ($body)
        }
    };
    // `default(timeout)`.
    (@build $built:tt [] [($timeout:expr $(,)?) $body:expr]) => {
        $crate::crossbeam_channel_internal! {
            @code $built (arms => $crate::__private::within(arms, $timeout, _IS_BIASED)) ($body)
        }
    };
    (@build $built:tt [] [$args:tt $body:expr]) => {
        ::core::compile_error!(::core::concat!(
            "select!: expected `default`, `default()` or `default(timeout)`, found `default",
            ::core::stringify!($args), "`"
        ))
    };

    // ---- the code

    (@code
        [$((
            $kind:ident $arm:ident $type:ident $method:ident ($handle:expr) ($($preset:tt)*)
            $value:tt $pat:tt $body:tt
        ))*]
        ($arms:ident => $run:expr)
        $default:tt
    ) => {{
        // What was moved into the value of one arm is still there for the others: value and body of an
        // arm are in one branch, which no other runs through. The handles' temporaries live on in it;
        // the arms do not, and nothing is borrowed.
        match ($(&$handle,)*) {
            ($($arm,)*) => {
                let result = {
                    $(
                        let mut $arm = $arm.$method();
                        $($preset)*
                    )*
                    let chosen = {
                        let $arms: &mut [$crate::__private::ArmRef<'_>] =
                            &mut [$($crate::__private::$type::arm(&mut $arm)),*];
                        $run
                    };
                    $crate::crossbeam_channel_internal! { @chosen chosen (0usize) [$(($type $arm))*] }
                };
                $crate::crossbeam_channel_internal! {
                    @body result [$(($kind $value $pat $body))*] $default
                }
            }
        }
    }};

    (@chosen $chosen:ident $index:tt []) => { () };
    (@chosen $chosen:ident $index:tt [($type:ident $arm:ident) $($arms:tt)*]) => {
        if $chosen == $index {
            $crate::__private::Either::This($crate::__private::$type::finish(&mut $arm))
        } else {
            $crate::__private::Either::Later($crate::crossbeam_channel_internal! {
                @chosen $chosen ($index + 1) [$($arms)*]
            })
        }
    };

    (@body $result:ident [] ($default:expr)) => {{
        let () = $result;
        $default
    }};
    (@body $result:ident [(recv () ($pat:pat) ($body:expr)) $($arms:tt)*] $default:tt) => {
        match $result {
            $crate::__private::Either::This(result) => match result {
                $pat => $body,
                #[allow(unreachable_patterns)]
                _ => $crate::__private::mismatch(),
            },
            $crate::__private::Either::Later(result) => $crate::crossbeam_channel_internal! {
                @body result [$($arms)*] $default
            },
        }
    };
    (@body
        $result:ident
        [(send ($value:expr $(,)?) ($pat:pat) ($body:expr)) $($arms:tt)*]
        $default:tt
    ) => {
        match $result {
            $crate::__private::Either::This(won) => {
                // The reservation comes before the value: if that panics or leaves, it is given up.
                let reserved = $crate::__private::Won::reserve(won);
                let (reserved, value) = $crate::__private::Reservation::with(reserved, $value);
                let result = $crate::__private::Reservation::complete(reserved, value);
                match result {
                    $pat => $body,
                    #[allow(unreachable_patterns)]
                    _ => $crate::__private::mismatch(),
                }
            }
            $crate::__private::Either::Later(result) => $crate::crossbeam_channel_internal! {
                @body result [$($arms)*] $default
            },
        }
    };

    // ---- entry: anything else

    ($($tokens:tt)*) => {
        $crate::crossbeam_channel_internal! { @parse [] [] $($tokens)* }
    };
}
