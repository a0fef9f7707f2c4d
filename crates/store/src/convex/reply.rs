//! What Convex answers.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::Failure;

/// A function's answer. Flat, because serde cannot keep raw JSON within a tagged enum.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    status: &'a str,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    error_data: Option<ErrorData>,
}

#[derive(Deserialize)]
struct ErrorData {
    code: String,
}

/// An error of Convex itself.
#[derive(Deserialize)]
struct SystemError {
    code: String,
}

/// Reads an answer. Functions' errors come with 200 or 560; everything else is an error of Convex itself.
pub(super) fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Failure> {
    if !matches!(status, 200 | 560) {
        return Err(of_status(status, body));
    }
    let not_convex = || Failure::Unexpected("the answer is not Convex's".to_owned());
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(|_| not_convex())?;
    match reply {
        Reply { status: "success", value, .. } => {
            let value = value.map_or("null", RawValue::get);
            // The text of the error may have a part of the value in it.
            serde_json::from_str(value)
                .map_err(|error| Failure::Value(format!("line {}, column {}", error.line(), error.column())))
        }
        Reply { status: "error", error_data: Some(data), .. } => Err(Failure::Refused(data.code)),
        Reply { status: "error", .. } => Err(Failure::Function),
        _ => Err(not_convex()),
    }
}

fn of_status(status: u16, body: &[u8]) -> Failure {
    let code = serde_json::from_slice(body).map_or_else(|_| String::new(), |error: SystemError| error.code);
    // A word of Convex's; anything longer is somebody else's page.
    let is_word = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let said = format!("{status} {}", if is_word { &code } else { "" });
    let said = said.trim_end().to_owned();
    match status {
        401 | 403 => Failure::Denied(said),
        408 | 429 | 500.. => Failure::Unavailable(said),
        _ => Failure::Unexpected(said),
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::Whole;
    use super::*;

    fn read_text(status: u16, body: &str) -> Result<Whole<u32>, Failure> {
        read(status, body.as_bytes())
    }

    #[test]
    fn a_value_comes_through() {
        let body = r#"{"logLines":["x"],"status":"success","value":7.0}"#;
        assert_eq!(read_text(200, body).unwrap().0, 7);
        let nothing: Option<u32> = read(200, br#"{"status":"success"}"#).unwrap();
        assert_eq!(nothing, None);
    }

    #[test]
    fn every_error_is_of_its_class_and_tells_no_secret() {
        let refused = r#"{"status":"error","errorMessage":"secret","errorData":{"code":"no_such_answer"}}"#;
        for (status, body, expected) in [
            (200, refused, "Refused(\"no_such_answer\")"),
            (560, refused, "Refused(\"no_such_answer\")"),
            (200, r#"{"status":"error","errorMessage":"secret"}"#, "Function"),
            (200, r#"{"status":"success","value":"secret"}"#, "Value(\"line 1, column 8\")"),
            (200, "<html>secret", "Unexpected(\"the answer is not Convex's\")"),
            (200, r#"{"status":"secret"}"#, "Unexpected(\"the answer is not Convex's\")"),
            (401, r#"{"code":"BadAdminKey","message":"secret"}"#, "Denied(\"401 BadAdminKey\")"),
            (403, r#"{"code":"OperationNotPermitted"}"#, "Denied(\"403 OperationNotPermitted\")"),
            (429, r#"{"code":"TooManyWrites"}"#, "Unavailable(\"429 TooManyWrites\")"),
            (
                503,
                r#"{"code":"OptimisticConcurrencyControlFailure"}"#,
                "Unavailable(\"503 OptimisticConcurrencyControlFailure\")",
            ),
            (502, "<html>secret", "Unavailable(\"502\")"),
            (302, "", "Unexpected(\"302\")"),
            (400, r#"{"code":"a secret page"}"#, "Unexpected(\"400\")"),
        ] {
            assert_eq!(format!("{:?}", read_text(status, body).unwrap_err()), expected, "{status} {body}");
        }
    }
}
