#![doc = include_str!("../README.md")]

pub mod advice;

mod book;
pub mod budget;
mod build;
mod change;
mod class;
mod cost;
mod day;
mod decimal;
mod entry;
mod error;
mod file;
mod layer;
mod model;
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
    layer::{
        Ask, COST_HEADER, Carried, CostBody, CostLayer, CostService, Nobody, OpenTab, ResponseFuture, Tab,
        Upgraded,
    },
    model::Model,
    price::Price,
    ratio::Ratio,
    served::Served,
    unpriced::Unpriced,
};
pub use tollway_core::{Money, ParseMoneyError};
