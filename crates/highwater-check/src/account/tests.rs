mod clean;
mod history;
mod naive;
mod planted;
