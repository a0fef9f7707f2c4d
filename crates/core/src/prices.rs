//! What answers cost, by the prices that the owner of the site has set.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::{AnswerFacts, ModelUsage, Usage};

/// How many models may have a price.
const MAX_PRICES: usize = 200;

/// The most that a million tokens may cost, in units of the currency.
const MAX_PRICE: u64 = 1_000_000;

/// A million.
const MILLION: u64 = 1_000_000;

/// What the models' servers ask for tokens. Empty where nothing is known.
///
/// A price is for a model by the name that its server gives, also with a date behind that name: `gpt-4o-mini` is the price of
/// `gpt-4o-mini-2024-07-18` too, unless that has one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    currency: Currency,
    of_models: BTreeMap<String, Price>,
}

/// What a million tokens cost, in millionths of a unit. So it is also what one token costs in trillionths of a unit, and the cost
/// of an answer is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    input: u64,
    output: u64,
}

/// Three capital letters, as ISO 4217 has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency(String);

/// Why a text is no list of prices, or no currency.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidPrices {
    /// An entry has another form.
    #[error(
        "must be prices separated by commas, each as model=input/output for a million tokens, such as gpt-4o-mini=0.15/0.60"
    )]
    Form,
    /// A price is no amount.
    #[error("has a price that is not an amount from 0 to 1000000 with at most six decimals")]
    Amount,
    /// A model is there twice.
    #[error("has two prices for one model")]
    Twice,
    /// There are more than 200.
    #[error("has more than 200 prices")]
    TooMany,
    /// The currency is none.
    #[error("must be three capital letters, such as USD")]
    Currency,
}

/// An amount of money, exact to a trillionth of a unit of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    currency: Currency,
    trillionths: u128,
}

impl Currency {
    /// Checks it.
    pub fn parse(text: &str) -> Result<Self, InvalidPrices> {
        let is_one = text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        if is_one { Ok(Self(text.to_owned())) } else { Err(InvalidPrices::Currency) }
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self("USD".to_owned())
    }
}

impl Prices {
    /// Reads a list such as `gpt-4o-mini=0.15/0.60,o3=2/8`: for a million tokens of a prompt, and of an answer.
    pub fn parse(list: &str, currency: Currency) -> Result<Self, InvalidPrices> {
        let mut of_models = BTreeMap::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (model, price) = entry.rsplit_once('=').ok_or(InvalidPrices::Form)?;
            let (input, output) = price.split_once('/').ok_or(InvalidPrices::Form)?;
            let model = model.trim();
            if model.is_empty() {
                return Err(InvalidPrices::Form);
            }
            let price = Price { input: millionths(input)?, output: millionths(output)? };
            if of_models.insert(model.to_owned(), price).is_some() {
                return Err(InvalidPrices::Twice);
            }
            if of_models.len() > MAX_PRICES {
                return Err(InvalidPrices::TooMany);
            }
        }
        Ok(Self { currency, of_models })
    }

    /// What an answer cost; `None` if its model has no price, or its server did not say how many tokens there were.
    pub fn of_answer(&self, facts: &AnswerFacts) -> Option<Cost> {
        let Usage { input_tokens, output_tokens } = facts.usage?;
        let price = self.of_model(facts.model.as_deref()?)?;
        Some(self.cost(price, input_tokens.into(), output_tokens.into()))
    }

    /// What the answers of a conversation cost together; `None` if one of its models has no price, or there were none.
    pub fn of_usage(&self, usage: &[ModelUsage]) -> Option<Cost> {
        let costs = usage.iter().map(|ModelUsage { model, input_tokens, output_tokens }| {
            Some(self.cost(self.of_model(model.as_deref()?)?, *input_tokens, *output_tokens))
        });
        let costs = costs.collect::<Option<Vec<_>>>()?;
        costs.into_iter().reduce(|sum, cost| sum.plus(&cost))
    }

    fn cost(&self, price: Price, input_tokens: u64, output_tokens: u64) -> Cost {
        let of = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let trillionths = of(input_tokens, price.input).saturating_add(of(output_tokens, price.output));
        Cost { currency: self.currency.clone(), trillionths }
    }

    fn of_model(&self, model: &str) -> Option<Price> {
        let dated = || {
            let mut ends = model.rmatch_indices('-').map(|(at, _)| model.split_at(at));
            ends.find_map(|(name, rest)| self.of_models.get(name).filter(|_| is_date(rest)))
        };
        self.of_models.get(model).or_else(dated).copied()
    }
}

/// Whether what stands behind a model's name is a date, as in `-2024-07-18`, `-20241022` and `-0613`.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    matches!(digits, 4 | 6 | 8) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit())
}

fn millionths(text: &str) -> Result<u64, InvalidPrices> {
    let text = text.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty()
        || decimals.len() > 6
        || !is_number(whole)
        || !is_number(decimals)
        || text.ends_with('.')
    {
        return Err(InvalidPrices::Amount);
    }
    let whole: u64 = whole.parse().map_err(|_| InvalidPrices::Amount)?;
    let decimals: u64 = format!("{decimals:0<6}").parse().map_err(|_| InvalidPrices::Amount)?;
    let price = whole.checked_mul(MILLION).and_then(|whole| whole.checked_add(decimals));
    price.filter(|price| *price <= MAX_PRICE * MILLION).ok_or(InvalidPrices::Amount)
}

impl Cost {
    /// Both together, which are of one list of prices.
    fn plus(self, other: &Self) -> Self {
        Self { trillionths: self.trillionths.saturating_add(other.trillionths), ..self }
    }

    /// What it is counted in.
    pub fn currency(&self) -> &str {
        self.currency.as_str()
    }

    /// The amount with all of its decimals, which are at most twelve: `0.0031005`.
    pub fn exact(&self) -> String {
        let text = decimal(self.trillionths, 12);
        let text = text.trim_end_matches('0');
        text.strip_suffix('.').unwrap_or(text).to_owned()
    }
}

impl fmt::Display for Cost {
    /// The currency and the amount with four decimals, rounded to the nearest, halves up: `EUR 0.0031`. What is less than that but
    /// not nothing is `under EUR 0.0001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PLACE: u128 = 100_000_000;
        let (currency, rounded) = (self.currency(), (self.trillionths + PLACE / 2) / PLACE);
        if rounded == 0 && self.trillionths > 0 {
            return write!(f, "under {currency} 0.0001");
        }
        write!(f, "{currency} {}", decimal(rounded, 4))
    }
}

/// A number of parts as a decimal number, of which so many digits stand behind the point.
fn decimal(parts: u128, digits: usize) -> String {
    let text = format!("{parts:0>width$}", width = digits + 1);
    let (whole, rest) = text.split_at(text.len() - digits);
    format!("{whole}.{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(list: &str) -> Prices {
        Prices::parse(list, Currency::parse("EUR").unwrap()).unwrap()
    }

    fn cost(prices: &Prices, model: &str, input_tokens: u32, output_tokens: u32) -> Option<Cost> {
        let usage = Some(Usage { input_tokens, output_tokens });
        prices.of_answer(&AnswerFacts { model: Some(model.to_owned()), usage, ..AnswerFacts::default() })
    }

    #[test]
    fn a_cost_is_exact_and_shown_with_four_decimals() {
        let prices = prices(" gpt-4o-mini = 0.15/0.60 , o3=2/8,openai/x=0/0.000001,");
        for (model, input, output, exact, shown) in [
            ("gpt-4o-mini", 4218, 612, "0.0009999", "EUR 0.0010"),
            ("o3", 1, 0, "0.000002", "under EUR 0.0001"),
            ("o3", 25, 0, "0.00005", "EUR 0.0001"),
            ("o3", 1_000_000, 1_000_000, "10", "EUR 10.0000"),
            ("openai/x", 9, 1, "0.000000000001", "under EUR 0.0001"),
            ("openai/x", 9, 0, "0", "EUR 0.0000"),
            ("o3", u32::MAX, u32::MAX, "42949.67295", "EUR 42949.6730"),
        ] {
            let cost = cost(&prices, model, input, output).unwrap();
            assert_eq!((cost.exact().as_str(), cost.to_string().as_str()), (exact, shown), "{model}");
        }
    }

    #[test]
    fn a_conversation_costs_what_its_answers_do_if_all_have_a_price() {
        let prices = prices("o3=2/8,gpt-4o=2.5/10");
        let usage = |model: Option<&str>| ModelUsage {
            model: model.map(str::to_owned),
            input_tokens: 1_000_000,
            output_tokens: 500_000,
        };
        let both = prices.of_usage(&[usage(Some("o3")), usage(Some("gpt-4o-2024-08-06"))]).unwrap();
        assert_eq!((both.exact().as_str(), both.currency()), ("13.5", "EUR"));
        for unknown in [Some("mystery"), None] {
            assert_eq!(prices.of_usage(&[usage(Some("o3")), usage(unknown)]), None);
        }
        assert_eq!(prices.of_usage(&[]), None);
    }

    #[test]
    fn a_price_is_for_a_name_also_with_a_date_behind_it() {
        let prices = prices("gpt-4o=2.5/10,gpt-4o-mini=0.15/0.6,gpt-4o-2024-05-13=5/15,claude-sonnet-4=3/15");
        let input = |model: &str| cost(&prices, model, 1_000_000, 0).map(|cost| cost.exact());
        for (model, price) in [
            ("gpt-4o", Some("2.5")),
            ("gpt-4o-2024-08-06", Some("2.5")),
            ("gpt-4o-2024-05-13", Some("5")),
            ("gpt-4o-mini-2024-07-18", Some("0.15")),
            ("claude-sonnet-4-20250514", Some("3")),
            ("claude-sonnet-4-5", None),
            ("gpt-4o-audio", None),
            ("gpt-4", None),
            ("GPT-4O", None),
            ("", None),
        ] {
            assert_eq!(input(model).as_deref(), price, "{model}");
        }
        let unknown = AnswerFacts { model: Some("gpt-4o".to_owned()), ..AnswerFacts::default() };
        assert_eq!(prices.of_answer(&unknown), None);
        assert_eq!(cost(&Prices::default(), "gpt-4o", 1, 1), None);
    }

    #[test]
    fn what_is_no_list_of_prices_is_refused() {
        let read = |list: &str| Prices::parse(list, Currency::default());
        let many = "m0=1/1".to_owned() + &(1..201).fold(String::new(), |all, n| all + &format!(",m{n}=1/1"));
        for (list, error) in [
            ("gpt-4o", InvalidPrices::Form),
            ("gpt-4o=1", InvalidPrices::Form),
            ("=1/2", InvalidPrices::Form),
            ("a=1/2/3", InvalidPrices::Amount),
            ("a=/2", InvalidPrices::Amount),
            ("a=-1/2", InvalidPrices::Amount),
            ("a=1e3/2", InvalidPrices::Amount),
            ("a=.5/2", InvalidPrices::Amount),
            ("a=1./2", InvalidPrices::Amount),
            ("a=0.1234567/2", InvalidPrices::Amount),
            ("a=1000000.000001/2", InvalidPrices::Amount),
            ("a=99999999999999999999/2", InvalidPrices::Amount),
            ("a=1/2,a=1/2", InvalidPrices::Twice),
            (many.as_str(), InvalidPrices::TooMany),
        ] {
            assert_eq!(read(list), Err(error), "{list}");
        }
        assert_eq!(read(" , "), Ok(Prices::default()));
        for bad in ["", "usd", "US", "EURO", "€€€"] {
            assert_eq!(Currency::parse(bad), Err(InvalidPrices::Currency), "{bad}");
        }
    }
}
