#![doc = include_str!("../README.md")]

mod book;
mod build;
mod change;
mod class;
mod cost;
mod day;
mod decimal;
mod entry;
mod error;
mod file;
mod model;
mod money;
mod names;
mod price;
mod rates;
mod ratio;
mod served;
mod unpriced;

pub use self::{
    book::PriceBook,
    change::Change,
    class::Class,
    cost::Cost,
    day::Day,
    decimal::Decimal,
    error::BookError,
    file::{EntryFile, LongFile, ModelFile, PriceFile, ProviderFile, RatesFile},
    model::Model,
    money::{Money, ParseMoneyError},
    price::Price,
    ratio::Ratio,
    served::Served,
    unpriced::Unpriced,
};
