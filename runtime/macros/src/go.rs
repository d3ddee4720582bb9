//! The `go` statement: what stands in `go!(…)`, when its parts are evaluated, and what becomes of it.
//!
//! # The grammar
//!
//! ```text
//! statement = closure | block | "unsafe" block | macro         the whole runs in the goroutine
//!           | callee "(" arguments ")"                          a call
//!           | receiver "." name [turbofish] "(" arguments ")"   a method call
//! closure   = ["move"] "|" … "|" body
//! macro     = path "!" group
//! callee    = path | operand
//! receiver  = operand
//! operand   = primary { "." field | "." call | call | index | "?" | ".await" }
//! primary   = path | path "{" … "}" | macro | literal | "(" … ")" | "[" … "]"
//!           | block | ("unsafe" | "const") block
//! ```
//!
//! This is the postfix level of Rust's expressions, read from the left. An operator, `as`, `if`,
//! `match` and the like end the reading with Go's error, so that `go!(a + f(x))` is not taken for a
//! call of something strange. What stands inside the groups is left to rustc; only commas between
//! arguments are looked for (`scan.rs`).
//!
//! # What is evaluated when
//!
//! As in Go, arguments are evaluated in the caller, in order, each by a `let`, and so is the value
//! that is called. That makes `?` and `return` in an argument the caller's. Everything is moved into
//! the closure then. Left inside the closure is only what has no time:
//!
//! * literals;
//! * closure literals among the arguments: evaluating one is capturing, which the goroutine's `move`
//!   closure does now as well, and only as a direct argument is its type inferred from the callee;
//! * a callee that is a path (a function, or a local, which is captured);
//! * a receiver that is a place, `a::b.c.0`. Statics cannot be moved into a `let`, and a field is
//!   captured alone or through a reference, as the compiler sees fit.
//!
//! A receiver that is one lower-case name is taken for a local all the same and bound by `let mut`,
//! so that `&mut self` methods work although the local was not declared `mut`. A macro cannot ask
//! what a name refers to; the case of its first letter is what `non_upper_case_globals` and
//! `non_snake_case` make of it in all code that compiles without warnings. `self::name` is the way
//! out for a lower-case static.
//!
//! # The expansion
//!
//! ```text
//! {
//!     let gors_arg0 = …;
//!     let mut gors_receiver = …;
//!     $crate::__private::go(move || {
//!         let _ = {
//!             let () = ();
//!             gors_receiver.method(gors_arg0)
//!         };
//!     });
//! }
//! ```
//!
//! A call's result is dropped inside the closure, as it may borrow from what was moved there; `let _`
//! is the form in which it may be `must_use`, and the `let ()` keeps clippy's
//! `diverging_sub_expression` from objecting to a function that never returns. The user's closures
//! and blocks are left as they are, with whatever they return.
//!
//! All generated names resolve at the macro's definition (`Span::mixed_site`), so they cannot meet
//! the user's, and are located at the user's tokens, so that an error about an argument's type or a
//! capture that is not `Send` underlines these. Lints leave code with such spans alone, which is why
//! there is no `#[allow]`: under the user's `#![forbid(unused_mut)]` one would be an error.

mod call;

use self::call::{Call, expose_places, not_a_call, one_call};
use crate::scan::{closure_pipe, next_comma, split_arguments};
use crate::tokens::{Error, as_group, is_punct, is_word, stream, template, unwrap_invisible};
use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

/// Expands `[runtime path] statement`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut trees = input.into_iter();
    let runtime = trees.next();
    let Some(runtime) = as_group(runtime.as_ref(), Delimiter::Bracket) else {
        let text = "go_impl! is called by gors::go! only, which names the runtime's path first";
        return Error::at(Span::call_site(), text).into_compile_error();
    };
    let mut statement = expose_places(unwrap_invisible(trees.collect()));
    if is_punct(statement.last(), ',') {
        statement.pop();
    }
    match Plan::of(&statement) {
        Ok(plan) => plan.into_tokens(&statement, runtime.stream()),
        Err(error) => error.into_compile_error(),
    }
}

/// What the caller evaluates, and what the goroutine runs.
struct Plan {
    bindings: TokenStream,
    closure: TokenStream,
}

impl Plan {
    fn of(trees: &[TokenTree]) -> Result<Self, Error> {
        if let Some(closure) = moved_closure(trees) {
            return match next_comma(trees, 0) {
                end if end < trees.len() => Err(one_call(&trees[end..])),
                _ => Ok(Self::run(closure)),
            };
        }
        match trees {
            [] => Err(not_a_call(trees, "go!() is empty; write go!(f(x))")),
            [TokenTree::Group(block)] if block.delimiter() == Delimiter::Brace => {
                Ok(Self::run_body(trees))
            }
            [word, block]
                if is_word(Some(word), "unsafe")
                    && as_group(Some(block), Delimiter::Brace).is_some() =>
            {
                Ok(Self::run_body(trees))
            }
            _ => match Call::parse(trees)? {
                Call::Macro { path, arguments } => Ok(Self::run_macro(path, arguments)),
                Call::Function {
                    callee,
                    is_path,
                    arguments,
                } => Self::call(callee, is_path, arguments),
                Call::Method {
                    receiver,
                    is_place,
                    name,
                    arguments,
                } => Self::call_method(receiver, is_place, name, arguments),
            },
        }
    }

    /// Nothing is evaluated before.
    fn run(closure: TokenStream) -> Self {
        Self {
            bindings: TokenStream::new(),
            closure,
        }
    }

    fn run_body(body: &[TokenTree]) -> Self {
        let closure = template(site(body), "move || $", [stream(body)]);
        Self::run(closure)
    }

    /// `m!(…)` as `{ m! {…} }`: at the end of a block, and in braces, a macro may expand to
    /// statements as well as to an expression.
    fn run_macro(path: &[TokenTree], arguments: &Group) -> Self {
        let mut braced = Group::new(Delimiter::Brace, arguments.stream());
        braced.set_span(arguments.span());
        let braced = TokenTree::Group(braced).into();
        Self::run(template(
            site(path),
            "move || { $ $ }",
            [stream(path), braced],
        ))
    }

    fn call(callee: &[TokenTree], is_path: bool, arguments: &Group) -> Result<Self, Error> {
        let mut bindings = TokenStream::new();
        let arguments = bind_arguments(arguments, &mut bindings)?;
        let callee = if is_path {
            stream(callee)
        } else {
            bind(&mut bindings, "gors_callee", "let mut $ = $;", callee)
        };
        let closure = template(
            site_of(&callee),
            "move || { let _ = { let () = (); $ $ }; }",
            [callee, arguments],
        );
        Ok(Self { bindings, closure })
    }

    fn call_method(
        receiver: &[TokenTree],
        is_place: bool,
        name: &[TokenTree],
        arguments: &Group,
    ) -> Result<Self, Error> {
        let mut bindings = TokenStream::new();
        let arguments = bind_arguments(arguments, &mut bindings)?;
        let receiver = if is_place && !is_local(receiver) {
            stream(receiver)
        } else {
            bind(&mut bindings, "gors_receiver", "let mut $ = $;", receiver)
        };
        let closure = template(
            site_of(&receiver),
            "move || { let _ = { let () = (); $ $ $ }; }",
            [receiver, stream(name), arguments],
        );
        Ok(Self { bindings, closure })
    }

    fn into_tokens(self, statement: &[TokenTree], runtime: TokenStream) -> TokenStream {
        let site = site(statement);
        // Shown at the statement like everything else, resolved where it came from.
        let runtime = runtime.into_iter().map(|mut tree| {
            tree.set_span(tree.span().located_at(site));
            tree
        });
        template(
            site,
            "{ $ $ ::__private::go($); }",
            [self.bindings, runtime.collect(), self.closure],
        )
    }
}

/// Evaluates the arguments in the caller, in order, and returns the group to call with.
fn bind_arguments(arguments: &Group, bindings: &mut TokenStream) -> Result<TokenStream, Error> {
    let trees: Vec<_> = arguments.stream().into_iter().collect();
    let mut passed = TokenStream::new();
    for (index, argument) in split_arguments(&trees).into_iter().enumerate() {
        if argument.is_empty() {
            let text = "expected an argument before each comma";
            return Err(Error::at(arguments.span(), text));
        }
        let value = if is_literal(argument) {
            stream(argument)
        } else if let Some(closure) = moved_closure(argument) {
            closure
        } else {
            bind(
                bindings,
                &format!("gors_arg{index}"),
                "let $ = $;",
                argument,
            )
        };
        passed.extend(template(site(argument), "$ ,", [value]));
    }
    let mut group = Group::new(Delimiter::Parenthesis, passed);
    group.set_span(arguments.span());
    Ok(TokenTree::Group(group).into())
}

/// Adds a `let` of `value` to `bindings` and returns the name.
fn bind(bindings: &mut TokenStream, name: &str, form: &str, value: &[TokenTree]) -> TokenStream {
    let span = site(value);
    let name = TokenStream::from(TokenTree::Ident(Ident::new(name, span)));
    bindings.extend(template(span, form, [name.clone(), bound_value(value)]));
    name
}

/// `value` as it stands right of a `let`'s `=`: without the parentheses that a callee or receiver
/// needs, where they would be `unused_parens`, and if it is a closure, with `move`.
fn bound_value(value: &[TokenTree]) -> TokenStream {
    if let [TokenTree::Group(group)] = value
        && group.delimiter() == Delimiter::Parenthesis
    {
        let inner: Vec<_> = group.stream().into_iter().collect();
        let is_tuple = next_comma(&inner, 0) < inner.len();
        if !inner.is_empty() && !is_tuple {
            return moved_closure(&inner).unwrap_or_else(|| stream(&inner));
        }
    }
    stream(value)
}

/// `trees` as a `move` closure, if it is a closure literal.
fn moved_closure(trees: &[TokenTree]) -> Option<TokenStream> {
    let pipe = closure_pipe(trees, 0)?;
    let (words, rest) = trees.split_at(pipe);
    if is_word(words.last(), "move") {
        return Some(stream(trees));
    }
    // Not hygienic and not generated: the closure is the user's, lints included.
    let span = rest[0].span();
    Some(template(span, "$ move $", [stream(words), stream(rest)]))
}

/// One literal, perhaps with a sign.
fn is_literal(argument: &[TokenTree]) -> bool {
    match unwrap_invisible(argument.to_vec()).as_slice() {
        [TokenTree::Literal(_)] => true,
        [sign, TokenTree::Literal(_)] => is_punct(Some(sign), '-'),
        _ => false,
    }
}

/// Is this place one name that reads as a local variable?
fn is_local(place: &[TokenTree]) -> bool {
    let [TokenTree::Ident(name)] = place else {
        return false;
    };
    let name = name.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    name != "$crate"
        && name
            .chars()
            .find(|c| c.is_alphabetic())
            .is_some_and(|first| !first.is_uppercase())
}

/// Resolves at the macro's definition, is shown at the first of `trees`.
fn site(trees: &[TokenTree]) -> Span {
    let site = Span::mixed_site();
    trees
        .first()
        .map_or(site, |first| site.located_at(first.span()))
}

fn site_of(tokens: &TokenStream) -> Span {
    let first = tokens.clone().into_iter().next();
    site(first.as_slice())
}
