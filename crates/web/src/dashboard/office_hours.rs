//! When somebody of the team is there.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frontdesk_core::{OfficeHours, OpenHours, WEEKDAYS};
use http::StatusCode;
use serde_json::{Value, json};

use super::Dashboard;
use super::done::Done;
use super::form::Form;
use super::frame::{Frame, render};
use super::looking::Looking;
use super::moment::Moment;
use super::session::Operator;
use crate::ApiError;
use crate::extract::Query;
use crate::site_documents::{office_hours, set_office_hours};

#[derive(Template)]
#[template(path = "office-hours.html")]
struct OfficeHoursPage {
    frame: Frame,
    fields: Fields,
    /// Whether somebody is there now, or when; `None` if no hours are set.
    now: Option<Now>,
    why: Option<String>,
}

/// Whether somebody is there.
enum Now {
    Open,
    Away(Option<Moment>),
}

/// What stands in the form.
struct Fields {
    /// Whether somebody is there always, whatever the rest says.
    is_always: bool,
    zone: String,
    /// A day's name and its hours, as in `09:00-12:30, 13:30-17:00`.
    days: Vec<(&'static str, String)>,
    /// One a line.
    holidays: String,
}

impl Fields {
    /// Before anything was set: the week of many.
    fn suggested() -> Self {
        let hours = |place: usize| if place < 5 { "09:00-17:00".to_owned() } else { String::new() };
        let days = WEEKDAYS.into_iter().enumerate().map(|(place, day)| (day, hours(place))).collect();
        Self { is_always: true, zone: "UTC".to_owned(), days, holidays: String::new() }
    }

    fn of(hours: &OfficeHours) -> Self {
        let text = |hours: &Vec<OpenHours>| {
            hours.iter().map(|it| format!("{}-{}", it.from, it.to)).collect::<Vec<_>>().join(", ")
        };
        Self {
            is_always: false,
            zone: hours.zone().to_owned(),
            days: WEEKDAYS.into_iter().zip(hours.days().iter().map(text)).collect(),
            holidays: hours.holidays().collect::<Vec<_>>().join("\n"),
        }
    }

    fn read(form: &Form) -> Self {
        Self {
            is_always: form.text("when") == "always",
            zone: form.text("zone").trim().to_owned(),
            days: WEEKDAYS.into_iter().map(|day| (day, form.text(day).trim().to_owned())).collect(),
            holidays: form.text("holidays").trim().to_owned(),
        }
    }

    /// As the document says it. What is wrong is for the document to tell.
    fn to_json(&self) -> Value {
        let hours = |text: &str| {
            let spans = text.split(',').map(str::trim).filter(|span| !span.is_empty());
            let span = |span: &str| {
                let (from, to) = span.split_once(['-', '–']).unwrap_or((span, ""));
                json!({ "from": time(from), "to": time(to) })
            };
            spans.map(span).collect::<Value>()
        };
        let days: serde_json::Map<_, _> =
            self.days.iter().map(|(day, text)| ((*day).to_owned(), hours(text))).collect();
        let holidays: Value = self.holidays.split_whitespace().collect();
        json!({ "zone": self.zone, "days": days, "holidays": holidays })
    }
}

/// A time as people write it: `9:00` as well as `09:00`.
fn time(text: &str) -> String {
    let text = text.trim();
    if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() }
}

/// The page.
pub(super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let toast = Done::read(&query)?.map(|done| done.toast(&Looking::default(), None));
    let frame = Frame::new(&dashboard, &operator, "/office-hours").await?.saying(toast);
    let hours = office_hours(&*dashboard.ports.store, dashboard.settings.site).await?;
    let now = hours.as_ref().map(|hours| {
        let now = dashboard.ports.clock.now();
        if hours.is_open(now) { Now::Open } else { Now::Away(hours.opens_next(now).map(Moment::whole)) }
    });
    let fields = hours.as_ref().map_or_else(Fields::suggested, Fields::of);
    render(&OfficeHoursPage { frame, fields, now, why: None })
}

/// Keeps the hours.
pub(super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    form: Form,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&form);
    let hours = if fields.is_always {
        Ok(None)
    } else {
        OfficeHours::parse_json(&fields.to_json().to_string()).map(Some)
    };
    match hours {
        Ok(hours) => {
            set_office_hours(&*dashboard.ports.store, dashboard.settings.site, hours.as_ref()).await?;
            Ok(Done::saved("/office-hours"))
        }
        Err(why) => {
            let frame = Frame::new(&dashboard, &operator, "/office-hours").await?;
            let page = OfficeHoursPage { frame, fields, now: None, why: Some(why.to_string()) };
            Ok((StatusCode::BAD_REQUEST, render(&page)?).into_response())
        }
    }
}
