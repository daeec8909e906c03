//! The content of a message: MIME headers, an empty line, the body.
//!
//! Must never hold: a body that was decoded. What a transfer encoding means is the reader's business.

/// A MIME header of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentHeader {
    /// Its name as written. Compared without regard to case.
    pub name: String,
    /// Its value; where it was folded over lines there is one space.
    pub value: String,
}

/// Takes `lines` apart, each without its line end.
///
/// # Errors
/// The line that is wrong, and what would be right.
pub(super) fn headers(lines: &[&str]) -> Result<Vec<ContentHeader>, (usize, &'static str)> {
    let mut headers: Vec<ContentHeader> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err((number, "leave control characters out of a content header"));
        }
        if line.starts_with([' ', '\t']) {
            let last =
                headers.last_mut().ok_or((number, "begin with a name, such as Content-Type"))?;
            last.value.push(' ');
            last.value.push_str(line.trim_matches([' ', '\t']));
            continue;
        }
        headers.push(
            header(line)
                .ok_or((number, "write name, colon and value, such as Content-Type: text/plain"))?,
        );
    }
    for header in &mut headers {
        header.value = header.value.trim().to_owned();
    }
    Ok(headers)
}

/// RFC 5322 §2.2: visible ASCII up to a colon, then the value.
fn header(line: &str) -> Option<ContentHeader> {
    let (name, value) = line.split_once(':')?;
    let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| ContentHeader {
        name: name.to_owned(),
        value: value.trim_matches([' ', '\t']).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_header_is_one_value() {
        let found = headers(&["content-type:multipart/mixed;", "\tboundary=x  ", "X-Y : z"]);
        assert_eq!(found.unwrap_err().0, 2, "no space in a name");
        let found = headers(&["content-type:multipart/mixed;", "\tboundary=x  ", "A:"]).unwrap();
        assert_eq!(found[0].value, "multipart/mixed; boundary=x");
        assert_eq!((&*found[1].name, &*found[1].value), ("A", ""));
        assert_eq!(headers(&[" a: b"]).unwrap_err().0, 0);
    }
}
