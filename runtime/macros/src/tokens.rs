//! What a macro without `syn` and `quote` needs: a template, an error with a span, and a few looks
//! at a token.

use proc_macro::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

/// A misuse, with the tokens it is about.
#[derive(Debug)]
pub(crate) struct Error {
    start: Span,
    end: Span,
    text: String,
}

impl Error {
    /// An error that underlines one token.
    pub(crate) fn at(span: Span, text: impl Into<String>) -> Self {
        Self {
            start: span,
            end: span,
            text: text.into(),
        }
    }

    /// An error that underlines all of `trees`, or the macro's name if there are none.
    pub(crate) fn over(trees: &[TokenTree], text: impl Into<String>) -> Self {
        let call = Span::call_site();
        Self {
            start: trees.first().map_or(call, TokenTree::span),
            end: trees.last().map_or(call, TokenTree::span),
            text: text.into(),
        }
    }

    /// `::core::compile_error! { "text" }`, valid as an item, a statement and an expression.
    ///
    /// `Span::join` is unstable. rustc underlines an invocation from its first token to its last,
    /// so giving these two the ends of the range has the same effect.
    pub(crate) fn into_compile_error(self) -> TokenStream {
        let text = TokenTree::Literal(proc_macro::Literal::string(&self.text));
        let mut trees: Vec<_> = template(self.start, "::core::compile_error! { $ }", [text.into()])
            .into_iter()
            .collect();
        if let Some(arguments) = trees.last_mut() {
            arguments.set_span(self.end);
        }
        trees.into_iter().collect()
    }
}

/// Rust source with holes: every `$` in `source` is replaced by the next of `holes`, as it is; all
/// other tokens get `span`.
pub(crate) fn template<const HOLES: usize>(
    span: Span,
    source: &str,
    holes: [TokenStream; HOLES],
) -> TokenStream {
    let source = source.parse().expect("a template is valid Rust tokens");
    let mut holes = holes.into_iter();
    let filled = fill(span, source, &mut holes);
    assert!(
        holes.next().is_none(),
        "a template has a `$` for every hole"
    );
    filled
}

fn fill(
    span: Span,
    source: TokenStream,
    holes: &mut impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let mut filled = TokenStream::new();
    for mut tree in source {
        match &tree {
            TokenTree::Punct(punct) if punct.as_char() == '$' => {
                filled.extend(holes.next().expect("a template has a hole for every `$`"));
                continue;
            }
            TokenTree::Group(group) => {
                let stream = fill(span, group.stream(), holes);
                tree = Group::new(group.delimiter(), stream).into();
            }
            _ => {}
        }
        tree.set_span(span);
        filled.extend([tree]);
    }
    filled
}

/// Owned tokens of a slice.
pub(crate) fn stream(trees: &[TokenTree]) -> TokenStream {
    trees.iter().cloned().collect()
}

/// Is `tree` this punctuation character?
pub(crate) fn is_punct(tree: Option<&TokenTree>, character: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Do `first` and then `second` stand at `at`, glued together (`::`, `->`, `||`)?
pub(crate) fn is_pair(trees: &[TokenTree], at: usize, first: char, second: char) -> bool {
    matches!(
        trees.get(at),
        Some(TokenTree::Punct(punct))
            if punct.as_char() == first && punct.spacing() == Spacing::Joint
    ) && is_punct(trees.get(at + 1), second)
}

/// Is `tree` this word?
pub(crate) fn is_word(tree: Option<&TokenTree>, word: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident.to_string() == word)
}

/// The group at `tree`, if it has this delimiter.
pub(crate) fn as_group(tree: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Takes off the invisible groups in which `macro_rules!` hands over what it matched as `$e:expr`,
/// `$i:item` and so on.
pub(crate) fn unwrap_invisible(mut trees: Vec<TokenTree>) -> Vec<TokenTree> {
    while let [TokenTree::Group(group)] = trees.as_slice()
        && group.delimiter() == Delimiter::None
    {
        trees = group.stream().into_iter().collect();
    }
    trees
}
