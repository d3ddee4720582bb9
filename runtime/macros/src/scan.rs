//! Where things end: paths, generic arguments, types, closure heads, arguments.
//!
//! A macro sees token trees. Whatever stands in `()`, `[]` or `{}` is one tree already, so a comma
//! that does not separate arguments can hide in two places only: between `<` and `>`, and between a
//! closure's pipes. Both characters are also binary operators. Rust's grammar tells them apart by
//! position, and so does [`next_comma`], which keeps one bit of state: does an *operand* start here
//! (the start of an argument, after an operator, after `return` …), or does an *operator* follow
//! (after a name, a literal, a group, `?`)?
//!
//! | token | where an operand starts | where an operator follows |
//! | --- | --- | --- |
//! | `<` | qualified path: `<T as Trait<A, B>>::f` | comparison, or `<<` |
//! | `\|` | closure: `\|a, b\| …`, `\|\| …` | bit-or, or `\|\|` |
//!
//! Generic arguments stand after `::` in an expression, and directly after a name in a type, which
//! is where `as` and a closure's `->` lead to. None of these scans can fail: on broken input they
//! stop at the end, and rustc says what is wrong.

use crate::tokens::{as_group, is_pair, is_punct, is_word};
use proc_macro::{Delimiter, TokenTree};

/// Words after which an operand still starts.
const BEFORE_OPERAND: &[&str] = &[
    "async", "break", "const", "else", "if", "in", "let", "loop", "match", "move", "mut", "ref",
    "return", "static", "unsafe", "while", "yield",
];

/// Words that may stand before a type proper.
const BEFORE_TYPE: &[&str] = &["const", "dyn", "extern", "fn", "impl", "mut", "unsafe"];

/// Splits the tokens between a call's parentheses into its arguments. A trailing comma is allowed;
/// an argument without tokens (`f(a,,b)`) is reported as an empty slice.
pub(crate) fn split_arguments(trees: &[TokenTree]) -> Vec<&[TokenTree]> {
    let mut arguments = Vec::new();
    let mut start = 0;
    while start < trees.len() {
        let end = next_comma(trees, start);
        arguments.push(&trees[start..end]);
        start = end + 1;
    }
    arguments
}

/// The comma that ends the argument that starts at `at`, or the end.
pub(crate) fn next_comma(trees: &[TokenTree], mut at: usize) -> usize {
    let mut operand = true;
    while let Some(tree) = trees.get(at) {
        (at, operand) = match tree {
            TokenTree::Group(_) | TokenTree::Literal(_) => (at + 1, false),
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "as" => (type_end(trees, at + 1), false),
                word => (at + 1, BEFORE_OPERAND.contains(&word)),
            },
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => return at,
                ':' if is_pair(trees, at, ':', ':') && is_punct(trees.get(at + 2), '<') => {
                    (angles_end(trees, at + 2), false)
                }
                '<' if operand => (angles_end(trees, at), false),
                '|' if operand => (closure_head_end(trees, at), true),
                '<' if is_pair(trees, at, '<', '<') => (at + 2, true),
                '|' if is_pair(trees, at, '|', '|') => (at + 2, true),
                '?' => (at + 1, false),
                // A lifetime or label: the name belongs to it.
                '\'' => (at + 2, true),
                _ => (at + 1, true),
            },
        };
    }
    trees.len()
}

/// Does a closure literal start at `at`? If so: where its head's first pipe stands.
pub(crate) fn closure_pipe(trees: &[TokenTree], mut at: usize) -> Option<usize> {
    for word in ["async", "move"] {
        at += usize::from(is_word(trees.get(at), word));
    }
    is_punct(trees.get(at), '|').then_some(at)
}

/// Where the body of the closure starts whose first pipe stands at `at`.
fn closure_head_end(trees: &[TokenTree], at: usize) -> usize {
    let after_pipes = if is_pair(trees, at, '|', '|') {
        at + 2
    } else {
        let second = (at + 1..trees.len()).find(|&i| is_punct(trees.get(i), '|'));
        second.map_or(trees.len(), |second| second + 1)
    };
    if is_pair(trees, after_pipes, '-', '>') {
        type_end(trees, after_pipes + 2)
    } else {
        after_pipes
    }
}

/// What follows the `>` that closes the `<` at `at`. The `>` of `->` closes nothing.
pub(crate) fn angles_end(trees: &[TokenTree], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < trees.len() {
        if is_pair(trees, at, '-', '>') {
            at += 2;
            continue;
        }
        if is_punct(trees.get(at), '<') {
            depth += 1;
        } else if is_punct(trees.get(at), '>') {
            depth -= 1;
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// What follows the type that starts at `at`, as it may stand after `as` or a closure's `->`.
fn type_end(trees: &[TokenTree], mut at: usize) -> usize {
    // Is a type still to come? Tells `as &u8` from `as u8 & mask`.
    let mut wanted = true;
    while let Some(tree) = trees.get(at) {
        (at, wanted) = match tree {
            TokenTree::Ident(word) if wanted => match word.to_string().as_str() {
                "for" if is_punct(trees.get(at + 1), '<') => (angles_end(trees, at + 1), true),
                word => (at + 1, BEFORE_TYPE.contains(&word)),
            },
            // A macro's `$t:ty`, a tuple, an array, or the parameters of `fn(A)` and `Fn(A)`.
            TokenTree::Group(group) => match group.delimiter() {
                Delimiter::Parenthesis => (at + 1, false),
                Delimiter::None | Delimiter::Bracket if wanted => (at + 1, false),
                _ => break,
            },
            // An ABI.
            TokenTree::Literal(_) if wanted => (at + 1, true),
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => (angles_end(trees, at), false),
                ':' if is_pair(trees, at, ':', ':') => (at + 2, true),
                '-' if is_pair(trees, at, '-', '>') => (at + 2, true),
                '&' | '*' if wanted => (at + 1, true),
                '\'' if wanted => (at + 2, true),
                '!' if wanted => (at + 1, false),
                _ => break,
            },
            _ => break,
        };
    }
    at
}

/// What follows the expression path that starts at `at`: `f`, `::a::b`, `T::<A>::f`,
/// `<T as Trait>::f`. `None` if no path starts there.
pub(crate) fn path_end(trees: &[TokenTree], at: usize) -> Option<usize> {
    let mut at = match trees.get(at)? {
        TokenTree::Ident(_) => at + 1,
        TokenTree::Punct(_) if is_punct(trees.get(at), '<') => {
            let end = angles_end(trees, at);
            is_pair(trees, end, ':', ':').then_some(end)?
        }
        TokenTree::Punct(_) if is_pair(trees, at, ':', ':') => at,
        // A macro's `$t:ty` or `$p:path` with more behind it.
        TokenTree::Group(group)
            if group.delimiter() == Delimiter::None && is_pair(trees, at + 1, ':', ':') =>
        {
            at + 1
        }
        _ => return None,
    };
    while is_pair(trees, at, ':', ':') {
        at = match trees.get(at + 2)? {
            TokenTree::Ident(_) => at + 3,
            TokenTree::Punct(punct) if punct.as_char() == '<' => angles_end(trees, at + 2),
            _ => return None,
        };
    }
    Some(at)
}

/// What follows a method's name and turbofish, if its arguments stand there: the call `name(…)` or
/// `name::<T>(…)` whose name is at `at`.
pub(crate) fn method_arguments(trees: &[TokenTree], at: usize) -> Option<usize> {
    let mut end = at + 1;
    if is_pair(trees, end, ':', ':') && is_punct(trees.get(end + 2), '<') {
        end = angles_end(trees, end + 2);
    }
    as_group(trees.get(end), Delimiter::Parenthesis).map(|_| end)
}
