//! Which call a `go` statement is: the postfix level of Rust's expressions, read from the left.

use crate::scan::{method_arguments, path_end};
use crate::tokens::{Error, as_group, is_punct, is_word};
use proc_macro::{Delimiter, Group, TokenTree};

/// Go's text for everything that is not a call.
const NOT_A_CALL: &str = "expression in go must be function call";

/// Words that start an expression which is no call.
const STATEMENT_WORDS: &[&str] = &[
    "break", "continue", "for", "if", "let", "loop", "match", "return", "while", "yield",
];

/// A statement of which one part runs in the goroutine and the rest before it.
pub(super) enum Call<'a> {
    Macro {
        /// With the `!`.
        path: &'a [TokenTree],
        arguments: &'a Group,
    },
    Function {
        callee: &'a [TokenTree],
        is_path: bool,
        arguments: &'a Group,
    },
    Method {
        receiver: &'a [TokenTree],
        is_place: bool,
        /// With the dot and the turbofish.
        name: &'a [TokenTree],
        arguments: &'a Group,
    },
}

/// The last thing that was applied to an operand.
enum Last<'a> {
    Call(Call<'a>),
    Try,
    Await,
    Other,
}

impl<'a> Call<'a> {
    pub(super) fn parse(trees: &'a [TokenTree]) -> Result<Self, Error> {
        let Primary {
            end: mut at,
            is_path,
        } = primary(trees)?;
        // Nothing but names and fields so far.
        let mut is_place = is_path;
        let mut last = Last::Other;

        if is_path
            && is_punct(trees.get(at), '!')
            && let Some(TokenTree::Group(arguments)) = trees.get(at + 1)
        {
            let path = &trees[..=at];
            last = Last::Call(Call::Macro { path, arguments });
            is_place = false;
            at += 2;
        } else if is_path && as_group(trees.get(at), Delimiter::Brace).is_some() {
            // A struct literal.
            is_place = false;
            at += 1;
        }

        let primary_end = at;
        while let Some(tree) = trees.get(at) {
            let was_place = is_place;
            match tree {
                TokenTree::Group(arguments) if arguments.delimiter() == Delimiter::Parenthesis => {
                    let callee = &trees[..at];
                    let is_path = was_place && at == primary_end;
                    last = Last::Call(Call::Function {
                        callee,
                        is_path,
                        arguments,
                    });
                    is_place = false;
                    at += 1;
                }
                TokenTree::Group(index) if index.delimiter() == Delimiter::Bracket => {
                    last = Last::Other;
                    is_place = false;
                    at += 1;
                }
                TokenTree::Punct(punct) if punct.as_char() == '?' => {
                    last = Last::Try;
                    is_place = false;
                    at += 1;
                }
                TokenTree::Punct(punct) if punct.as_char() == '.' => match trees.get(at + 1) {
                    Some(TokenTree::Ident(name)) => {
                        if let Some(end) = method_arguments(trees, at + 1)
                            && let TokenTree::Group(arguments) = &trees[end]
                        {
                            last = Last::Call(Call::Method {
                                receiver: &trees[..at],
                                is_place: was_place,
                                name: &trees[at..end],
                                arguments,
                            });
                            is_place = false;
                            at = end + 1;
                        } else if name.to_string() == "await" {
                            last = Last::Await;
                            is_place = false;
                            at += 2;
                        } else {
                            last = Last::Other;
                            at += 2;
                        }
                    }
                    Some(TokenTree::Literal(_)) => {
                        last = Last::Other;
                        at += 2;
                    }
                    _ => return Err(call_expected(trees)),
                },
                TokenTree::Punct(punct) if punct.as_char() == ',' => {
                    return Err(one_call(&trees[at..]));
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => {
                    return Err(not_a_call(
                        &trees[at..],
                        "put statements into a block: go!({ … })",
                    ));
                }
                _ => return Err(call_expected(trees)),
            }
        }

        match last {
            Last::Call(call) => Ok(call),
            Last::Try => Err(not_a_call(
                trees,
                "nobody would see the error that `?` returns from a goroutine; \
                 handle it there: go!({ if let Err(e) = f(x) { … } })",
            )),
            Last::Await => Err(not_a_call(
                trees,
                "a goroutine blocks, it does not await; \
                 write go!(gors::block_on(f(x))) to run a future",
            )),
            Last::Other => Err(call_expected(trees)),
        }
    }
}

/// The operand at the left end of a statement.
struct Primary {
    end: usize,
    is_path: bool,
}

fn primary(trees: &[TokenTree]) -> Result<Primary, Error> {
    let operand = |end| {
        Ok(Primary {
            end,
            is_path: false,
        })
    };
    match &trees[0] {
        TokenTree::Literal(_) => operand(1),
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Parenthesis if trees.len() == 1 => Err(Error::over(
                trees,
                "expression in go must not be parenthesized: write go!(f(x))",
            )),
            Delimiter::None => match path_end(trees, 0) {
                Some(end) => Ok(Primary { end, is_path: true }),
                None => operand(1),
            },
            _ => operand(1),
        },
        TokenTree::Ident(word) => match word.to_string().as_str() {
            "unsafe" | "const" if as_group(trees.get(1), Delimiter::Brace).is_some() => operand(2),
            "async" => Err(not_a_call(
                trees,
                "a goroutine blocks, it does not await; \
                 write go!(gors::block_on(async move { … })) to run a future",
            )),
            word if STATEMENT_WORDS.contains(&word) => {
                Err(not_a_call(trees, "put statements into a block: go!({ … })"))
            }
            _ => match path_end(trees, 0) {
                Some(end) => Ok(Primary { end, is_path: true }),
                None => Err(call_expected(trees)),
            },
        },
        TokenTree::Punct(punct) => match punct.as_char() {
            '#' => Err(not_a_call(
                trees,
                "attributes are not supported here; put the statement into a block: go!({ … })",
            )),
            '\'' => Err(not_a_call(trees, "put statements into a block: go!({ … })")),
            _ => match path_end(trees, 0) {
                Some(end) => Ok(Primary { end, is_path: true }),
                None => Err(call_expected(trees)),
            },
        },
    }
}

pub(super) fn not_a_call(trees: &[TokenTree], advice: &str) -> Error {
    Error::over(trees, format!("{NOT_A_CALL}: {advice}"))
}

pub(super) fn one_call(rest: &[TokenTree]) -> Error {
    Error::over(
        rest,
        "one go! starts one goroutine: write a go! for each call",
    )
}

fn call_expected(trees: &[TokenTree]) -> Error {
    not_a_call(
        trees,
        "write go!(f(x)) or go!(x.method(y)), or give a closure or a block: \
         go!(move || …), go!({ … })",
    )
}

/// Takes off invisible groups around names and fields, so that `$x.wait()` in a user's macro, with
/// `$x:expr`, means the same as with the name in its place.
pub(super) fn expose_places(trees: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut exposed = Vec::with_capacity(trees.len());
    for tree in trees {
        match as_group(Some(&tree), Delimiter::None) {
            Some(group) => {
                let inner = expose_places(group.stream().into_iter().collect());
                if is_place(&inner) {
                    exposed.extend(inner);
                } else {
                    exposed.push(tree);
                }
            }
            None => exposed.push(tree),
        }
    }
    exposed
}

fn is_place(trees: &[TokenTree]) -> bool {
    let Some(mut at) = path_end(trees, 0) else {
        return false;
    };
    while is_punct(trees.get(at), '.')
        && matches!(
            trees.get(at + 1),
            Some(TokenTree::Ident(_) | TokenTree::Literal(_))
        )
        && !is_word(trees.get(at + 1), "await")
    {
        at += 2;
    }
    at == trees.len()
}
