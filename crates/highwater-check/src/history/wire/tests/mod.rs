mod fetching;
mod grouping;
mod producing;
mod recognising;
mod story;
mod transacting;
