//! What all charts share: a white page with a caption and a legend above, and
//! the contenders' colours.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The drawing area of a page.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Height of caption and legend together, in pixels.
pub(super) const HEAD: u32 = 56;

/// An empty page with caption and legend, and the part below them.
pub(super) fn page<'a>(
    file: &'a Path,
    (width, height): (u32, u32),
    caption: &str,
    contenders: &[&str],
) -> Result<(Area<'a>, Area<'a>), Box<dyn Error>> {
    let page = SVGBackend::new(file, (width, height)).into_drawing_area();
    page.fill(&WHITE)?;
    let (head, body) = page.split_vertically(HEAD);
    head.draw(&Text::new(
        caption.to_owned(),
        (16, 14),
        text_style(17, HPos::Left),
    ))?;
    let mut x = 16;
    for contender in contenders {
        head.draw(&Rectangle::new(
            [(x, 38), (x + 12, 48)],
            colour(contender).filled(),
        ))?;
        head.draw(&Text::new(
            (*contender).to_owned(),
            (x + 17, 43),
            text_style(13, HPos::Left),
        ))?;
        x += 34 + 8 * contender.len() as i32;
    }
    Ok((page, body))
}

/// Black text of a size, anchored at a side and at half its height.
pub(super) fn text_style(size: i32, side: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font())
        .color(&BLACK)
        .pos(Pos::new(side, VPos::Center))
}

/// A contender's colour, the same in all charts; told apart by people who do
/// not see red from green as well (Okabe and Ito's palette).
pub(super) fn colour(contender: &str) -> RGBColor {
    match contender {
        "gors" => RGBColor(213, 94, 0),
        "go" => RGBColor(0, 114, 178),
        "tokio" => RGBColor(0, 158, 115),
        "may" => RGBColor(204, 121, 167),
        "crossbeam" => RGBColor(230, 159, 0),
        "flume" => RGBColor(86, 180, 233),
        _ => RGBColor(110, 110, 110),
    }
}

/// A label for powers of ten only: the lines between them stay bare.
pub(super) fn decade(value: f64, label: impl Fn(f64) -> String) -> String {
    let exponent = value.log10();
    if (exponent - exponent.round()).abs() < 1e-9 {
        label(value)
    } else {
        String::new()
    }
}
