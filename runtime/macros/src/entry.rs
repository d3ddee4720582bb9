//! `#[gors::main]` and `#[gors::test]`: a plain `fn` whose body runs as the main goroutine.
//!
//! # The grammar
//!
//! ```text
//! item    = { "#" "[" … "]" } [visibility] "fn" name "(" ")" [ "->" type ] "{" … "}"
//! options = { option "," }
//! option  = "crate" "=" path          both
//!         | "timeout" "=" "\"30s\""   test only
//!         | "procs" "=" integer       test only
//! ```
//!
//! # The expansion
//!
//! ```text
//! #[…] fn main() -> ::std::process::ExitCode {
//!     fn main() -> Result<(), Box<dyn Error>> { … }
//!     ::gors::run(|| ::std::process::Termination::report(main()))
//! }
//! ```
//!
//! The body stays the body of a `fn`, of the same name. So `return`, `?`, inner attributes,
//! `impl Termination` and a `main` that calls itself mean what they meant, and a backtrace shows the
//! name.
//!
//! What a goroutine returns to the thread that waits for it must be `Send`, which the return type of
//! most `main`s, `Result<_, Box<dyn Error>>`, is not. Therefore the result is made an `ExitCode` in
//! the goroutine, by the very function that Rust's start-up code and test harness would call with
//! it: an `Err` is printed as `Error: {:?}` and fails. A function that returns `()`, or not at all,
//! needs no such detour.

use crate::scan::path_end;
use crate::tokens::{
    Error, as_group, is_pair, is_punct, is_word, stream, template, unwrap_invisible,
};
use proc_macro::{Delimiter, Literal, Span, TokenStream, TokenTree};
use std::time::Duration;

/// The two attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

impl Entry {
    fn name(self) -> &'static str {
        match self {
            Self::Main => "gors::main",
            Self::Test => "gors::test",
        }
    }

    fn known_options(self) -> &'static str {
        match self {
            Self::Main => "`crate = path`",
            Self::Test => "`timeout = \"30s\"`, `procs = 2` and `crate = path`",
        }
    }

    /// Expands the attribute.
    pub(crate) fn expand(self, options: TokenStream, item: TokenStream) -> TokenStream {
        let item = unwrap_invisible(item.into_iter().collect());
        let expansion = Options::parse(self, options)
            .and_then(|options| Ok((options, PlainFn::parse(self, &item)?)));
        match expansion {
            Ok((options, function)) => match self {
                Self::Main => function.into_main(options),
                Self::Test => function.into_test(options),
            },
            Err(error) => {
                let mut tokens = error.into_compile_error();
                // Else rustc reports a missing `main` as well.
                if self == Self::Main {
                    tokens.extend(template(Span::call_site(), "fn main() {}", []));
                }
                tokens
            }
        }
    }
}

/// What stands in the attribute's parentheses.
struct Options {
    runtime: TokenStream,
    timeout: Option<Duration>,
    procs: Option<usize>,
}

impl Options {
    fn parse(entry: Entry, tokens: TokenStream) -> Result<Self, Error> {
        let trees: Vec<_> = tokens.into_iter().collect();
        let mut runtime = None;
        let mut timeout = None;
        let mut procs = None;

        for option in trees.split(|tree| is_punct(Some(tree), ',')) {
            let (name, value) = match option {
                // After a trailing comma, and without any options.
                [] => continue,
                [TokenTree::Ident(name), equals, value @ ..] if is_punct(Some(equals), '=') => {
                    (name.to_string(), unwrap_invisible(value.to_vec()))
                }
                _ => return Err(unknown_option(entry, option)),
            };
            let is_new = match (entry, name.as_str()) {
                (_, "crate") => runtime.replace(parse_path(option, &value)?).is_none(),
                (Entry::Test, "timeout") => {
                    timeout.replace(parse_timeout(option, &value)?).is_none()
                }
                (Entry::Test, "procs") => procs.replace(parse_procs(option, &value)?).is_none(),
                _ => return Err(unknown_option(entry, option)),
            };
            if !is_new {
                return Err(Error::over(option, format!("`{name}` is given twice")));
            }
        }

        Ok(Self {
            runtime: runtime.unwrap_or_else(|| template(Span::call_site(), "::gors", [])),
            timeout,
            procs,
        })
    }
}

fn unknown_option(entry: Entry, option: &[TokenTree]) -> Error {
    let (name, known) = (entry.name(), entry.known_options());
    Error::over(option, format!("unknown argument: {name} knows {known}"))
}

fn parse_path(option: &[TokenTree], value: &[TokenTree]) -> Result<TokenStream, Error> {
    if path_end(value, 0) == Some(value.len()) {
        Ok(stream(value))
    } else {
        let text = "`crate` takes a path to gors, as in `crate = my_crate::gors`";
        Err(Error::over(option, text))
    }
}

fn parse_timeout(option: &[TokenTree], value: &[TokenTree]) -> Result<Duration, Error> {
    let text = match value {
        [TokenTree::Literal(literal)] => literal.to_string(),
        _ => String::new(),
    };
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .and_then(duration)
        .ok_or_else(|| {
            let text = "`timeout` takes a duration above zero in a string, in ms, s or m: \
                        \"500ms\", \"30s\", \"1m30s\"";
            Error::over(option, text)
        })
}

/// Reads a duration as Go writes it, in whole `ms`, `s` and `m`. Zero is none.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_start = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = rest.split_at(unit_start);
        let unit_end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        let (unit, next) = unit.split_at(unit_end);
        let unit_millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => return None,
        };
        let millis = count.parse::<u64>().ok()?.checked_mul(unit_millis)?;
        total = total.checked_add(millis)?;
        rest = next;
    }
    (total > 0).then(|| Duration::from_millis(total))
}

fn parse_procs(option: &[TokenTree], value: &[TokenTree]) -> Result<usize, Error> {
    let text = match value {
        [TokenTree::Literal(literal)] => literal.to_string().replace('_', ""),
        _ => String::new(),
    };
    let digits = text.strip_suffix("usize").unwrap_or(&text);
    match digits.parse() {
        Ok(procs) if procs > 0 => Ok(procs),
        _ => Err(Error::over(
            option,
            "`procs` takes an integer above zero, as in `procs = 2`",
        )),
    }
}

/// The item, taken apart.
struct PlainFn {
    /// Attributes and visibility.
    prefix: TokenStream,
    name: TokenTree,
    /// Without the arrow; empty if there is none.
    returns: TokenStream,
    body: TokenTree,
}

impl PlainFn {
    fn parse(entry: Entry, trees: &[TokenTree]) -> Result<Self, Error> {
        let attribute = entry.name();
        let plain = |found: &[TokenTree], what: &str| {
            Error::over(found, format!("{attribute} takes a plain fn{what}"))
        };

        let mut at = 0;
        while is_punct(trees.get(at), '#')
            && let Some(content) = as_group(trees.get(at + 1), Delimiter::Bracket)
        {
            if entry == Entry::Test && content.stream().to_string() == "test" {
                let text = "gors::test adds #[test] itself: remove this one";
                return Err(Error::over(&trees[at..at + 2], text));
            }
            at += 2;
        }
        if is_word(trees.get(at), "pub") {
            at += 1;
            at += usize::from(as_group(trees.get(at), Delimiter::Parenthesis).is_some());
        } else if as_group(trees.get(at), Delimiter::None).is_some() {
            // A macro's `$v:vis`, which may be empty.
            at += 1;
        }

        let (prefix, function) = trees.split_at(at);
        if let Some(word) = function
            .iter()
            .take_while(|tree| !is_word(Some(tree), "fn"))
            .next()
        {
            let is_async_fn = is_word(Some(word), "async")
                && function
                    .iter()
                    .take(4)
                    .any(|tree| is_word(Some(tree), "fn"));
            let reason = if is_async_fn {
                ": goroutines block, they do not await"
            } else {
                ""
            };
            return Err(plain(&function[..1], reason));
        }
        let [_, name, parameters, rest @ ..] = function else {
            return Err(plain(function, ""));
        };
        let Some(parameters) = as_group(Some(parameters), Delimiter::Parenthesis) else {
            return Err(plain(&function[2..3], " without generics"));
        };
        if !parameters.stream().is_empty() {
            let text = format!("{attribute} takes a plain fn without parameters");
            return Err(Error::at(parameters.span(), text));
        }
        let Some((body, returns)) = rest.split_last() else {
            return Err(plain(function, " with a body"));
        };
        let returns = match returns {
            [] => &[],
            [_, _, returns @ ..]
                if is_pair(rest, 0, '-', '>')
                    && !returns.iter().any(|tree| is_word(Some(tree), "where")) =>
            {
                returns
            }
            [unexpected, ..] => {
                return Err(plain(
                    std::slice::from_ref(unexpected),
                    " without a where clause",
                ));
            }
        };
        let body = match unwrap_invisible(vec![body.clone()]).as_slice() {
            [body] if as_group(Some(body), Delimiter::Brace).is_some() => body.clone(),
            _ => return Err(plain(function, " with a body")),
        };
        Ok(Self {
            prefix: stream(prefix),
            name: name.clone(),
            returns: stream(returns),
            body,
        })
    }

    fn into_main(self, options: Options) -> TokenStream {
        let runtime = options.runtime;
        self.into_item(|main| template(Span::mixed_site(), "$ ::run($)", [runtime, main]))
    }

    fn into_test(self, options: Options) -> TokenStream {
        let site = Span::mixed_site();
        let timeout = option(options.timeout.map(|timeout| {
            let millis = u64::try_from(timeout.as_millis()).expect("was made from a u64");
            let millis = TokenTree::Literal(Literal::u64_suffixed(millis));
            template(
                site,
                "::core::time::Duration::from_millis($)",
                [millis.into()],
            )
        }));
        let procs = option(
            options
                .procs
                .map(|procs| TokenTree::Literal(Literal::usize_suffixed(procs)).into()),
        );
        let name = template(
            site,
            "::core::concat!(::core::module_path!(), \"::\", ::core::stringify!($))",
            [self.name.clone().into()],
        );
        let mut item = template(site, "#[::core::prelude::v1::test]", []);
        item.extend(self.into_item(|test| {
            template(
                site,
                "$ ::__private::run_test($, $, $, $)",
                [options.runtime, name, timeout, procs, test],
            )
        }));
        item
    }

    /// The item, with the user's function inside, which `run` gets to start.
    fn into_item(self, run: impl FnOnce(TokenStream) -> TokenStream) -> TokenStream {
        let site = Span::mixed_site();
        let name = TokenStream::from(self.name);
        let body = self.body.into();
        if self.returns.is_empty() {
            template(
                site,
                "$ fn $() { fn $() $ $ }",
                [self.prefix, name.clone(), name.clone(), body, run(name)],
            )
        } else if self.returns.to_string() == "!" {
            template(
                site,
                "$ fn $() -> ! { fn $() -> ! $ $ }",
                [self.prefix, name.clone(), name.clone(), body, run(name)],
            )
        } else {
            let report = "|| ::std::process::Termination::report($())";
            let report = template(site, report, [name.clone()]);
            template(
                site,
                "$ fn $() -> ::std::process::ExitCode { fn $() -> $ $ $ }",
                [
                    self.prefix,
                    name.clone(),
                    name,
                    self.returns,
                    body,
                    run(report),
                ],
            )
        }
    }
}

/// `value` as the tokens of an `Option`.
fn option(value: Option<TokenStream>) -> TokenStream {
    let site = Span::mixed_site();
    match value {
        Some(value) => template(site, "::core::option::Option::Some($)", [value]),
        None => template(site, "::core::option::Option::None", []),
    }
}
