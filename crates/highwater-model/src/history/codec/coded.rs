//! What can stand in an event: numbers, texts, lists, and structures of them, field by field in their order.

use super::reader::{Malformed, Reader};
use super::writer::Writer;

/// A value that has a form in the body of an event; at least one number or hash.
pub(super) trait Coded: Sized {
    fn put(&self, writer: &mut Writer);
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Coded for $type {
            fn put(&self, writer: &mut Writer) {
                writer.number(i64::from(*self));
            }
            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                reader.narrow()
            }
        }
    )*};
}

numbers!(i8, i16, i32, u16, u32);

impl Coded for i64 {
    fn put(&self, writer: &mut Writer) {
        writer.number(*self);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.number()
    }
}

impl Coded for u64 {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.cast_signed());
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.number().map(i64::cast_unsigned)
    }
}

impl Coded for bool {
    fn put(&self, writer: &mut Writer) {
        writer.number(i64::from(*self));
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("a yes or no is neither"),
        }
    }
}

impl Coded for String {
    fn put(&self, writer: &mut Writer) {
        writer.text(Some(self));
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.text()?.ok_or("a text is missing")
    }
}

impl Coded for Option<String> {
    fn put(&self, writer: &mut Writer) {
        writer.text(self.as_deref());
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.text()
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.len() as i64);
        for entry in self {
            entry.put(writer);
        }
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = reader.count()?;
        let mut entries = Self::new();
        for _ in 0..count {
            entries.push(T::take(reader)?);
        }
        Ok(entries)
    }
}

/// For options of everything but texts: 0, or 1 and the value.
pub(super) fn put_option<T: Coded>(value: Option<&T>, writer: &mut Writer) {
    writer.number(i64::from(value.is_some()));
    if let Some(value) = value {
        value.put(writer);
    }
}

pub(super) fn take_option<T: Coded>(reader: &mut Reader<'_>) -> Result<Option<T>, Malformed> {
    bool::take(reader)?.then(|| T::take(reader)).transpose()
}

macro_rules! options {
    ($($type:ty),* $(,)?) => {$(
        impl Coded for Option<$type> {
            fn put(&self, writer: &mut Writer) {
                put_option(self.as_ref(), writer);
            }
            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                take_option(reader)
            }
        }
    )*};
}
pub(super) use options;

options!(i32, u16, u32, Vec<String>, Vec<(String, i32)>);

macro_rules! tuples {
    ($(($($type:ident $place:tt),*)),*) => {$(
        impl<$($type: Coded),*> Coded for ($($type,)*) {
            fn put(&self, writer: &mut Writer) {
                $(self.$place.put(writer);)*
            }
            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(($($type::take(reader)?,)*))
            }
        }
    )*};
}

tuples!((A 0, B 1), (A 0, B 1, C 2));

/// A structure: its fields in this order.
macro_rules! fields {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Coded for $type {
            fn put(&self, writer: &mut Writer) {
                let Self { $($field),* } = self;
                $($field.put(writer);)*
            }
            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Coded::take(reader)?),* })
            }
        }
    )*};
}
pub(super) use fields;

/// A choice without fields: its number.
macro_rules! choices {
    ($($type:ident { $($number:literal $variant:ident),* $(,)? })*) => {$(
        impl Coded for $type {
            fn put(&self, writer: &mut Writer) {
                writer.number(match self { $(Self::$variant => $number),* });
            }
            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match reader.number()? {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(concat!("unknown number of a ", stringify!($type))),
                }
            }
        }
    )*};
}
pub(super) use choices;

/// A choice with fields: a number for each variant, and its fields in this order. A variant around one value
/// is written `Variant(value)`.
macro_rules! variants {
    ($type:ident { $($number:literal $variant:ident $(($inner:ident))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $type {
            /// Number of the variant.
            pub(super) fn number(&self) -> u8 {
                match self { $(variants!(@any $type $variant $(($inner))? $({ $($field),* })?) => $number),* }
            }
            /// Fields of the variant.
            pub(super) fn put_fields(&self, writer: &mut Writer) {
                match self {
                    $(Self::$variant $(($inner))? $({ $($field),* })? => {
                        $($inner.put(writer);)?
                        $($($field.put(writer);)*)?
                    })*
                }
                let _ = writer;
            }
            /// The variant with this number.
            pub(super) fn take_fields(number: u8, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match number {
                    $($number => Ok(Self::$variant
                        $(({ let $inner = Coded::take(reader)?; $inner }))?
                        $({ $($field: Coded::take(reader)?),* })?
                    ),)*
                    _ => Err(concat!("unknown number of a ", stringify!($type))),
                }
            }
        }
    };
    (@any $type:ident $variant:ident) => { $type::$variant };
    (@any $type:ident $variant:ident ($inner:ident)) => { $type::$variant(_) };
    (@any $type:ident $variant:ident { $($field:ident),* }) => { $type::$variant { .. } };
}
pub(super) use variants;
