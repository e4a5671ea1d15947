//! Column types, as Redshift knows them: <https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html>.

use std::{fmt, str::FromStr};

/// A type of a column. Each prints as Redshift writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// Two bytes.
    SmallInt,
    /// Four bytes.
    Integer,
    /// Eight bytes.
    BigInt,
    /// Exact, with so many digits in all and after the point.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// Four bytes, inexact.
    Real,
    /// Eight bytes, inexact.
    DoublePrecision,
    /// True or false.
    Boolean,
    /// Fixed length in bytes.
    Char(u32),
    /// At most so many bytes.
    VarChar(u32),
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A time of day with zone.
    TimeTz,
    /// A moment without zone.
    Timestamp,
    /// A moment with zone.
    TimestampTz,
    /// Semi-structured.
    Super,
    /// At most so many bytes, binary.
    VarByte(u32),
}

/// Longest `VARCHAR` and `VARBYTE` column handled here, in bytes.
pub const MAX_VARCHAR: u32 = 65_535;
/// Longest `CHAR` column, in bytes.
pub const MAX_CHAR: u32 = 4_096;

/// The text names no type that Redoubt knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a column type that Redoubt knows")]
pub struct UnknownType;

impl FromStr for DataType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, arguments) = match lower.split_once('(') {
            None => (lower.as_str(), None),
            Some((name, rest)) => {
                let (inside, after) = rest.split_once(')').ok_or(UnknownType)?;
                // `timestamp(6) without time zone` is not a Redshift type; nothing follows an argument.
                if !after.trim().is_empty() {
                    return Err(UnknownType);
                }
                (name, Some(inside))
            }
        };
        let name = name.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let length = |default: u32, most: u32| -> Result<u32, UnknownType> {
            let length = match arguments.map(str::trim) {
                None => default,
                Some("max") => most,
                Some(digits) => digits.parse().map_err(|_| UnknownType)?,
            };
            if (1..=most).contains(&length) { Ok(length) } else { Err(UnknownType) }
        };
        let plain = |data_type: Self| {
            if arguments.is_none() { Ok(data_type) } else { Err(UnknownType) }
        };
        match name.as_str() {
            "smallint" | "int2" => plain(Self::SmallInt),
            "integer" | "int" | "int4" => plain(Self::Integer),
            "bigint" | "int8" => plain(Self::BigInt),
            "real" | "float4" => plain(Self::Real),
            "double precision" | "float8" | "float" => plain(Self::DoublePrecision),
            "boolean" | "bool" => plain(Self::Boolean),
            "date" => plain(Self::Date),
            "time" | "time without time zone" => plain(Self::Time),
            "timetz" | "time with time zone" => plain(Self::TimeTz),
            "timestamp" | "timestamp without time zone" => plain(Self::Timestamp),
            "timestamptz" | "timestamp with time zone" => plain(Self::TimestampTz),
            "super" => plain(Self::Super),
            "text" => plain(Self::VarChar(256)),
            "char" | "character" | "nchar" | "bpchar" => {
                length(if name == "bpchar" { 256 } else { 1 }, MAX_CHAR).map(Self::Char)
            }
            "varchar" | "character varying" | "nvarchar" => length(256, MAX_VARCHAR).map(Self::VarChar),
            "varbyte" | "varbinary" | "binary varying" => length(64_000, MAX_VARCHAR).map(Self::VarByte),
            "decimal" | "numeric" => {
                let mut numbers = arguments.unwrap_or("18,0").split(',').map(|n| n.trim().parse::<u8>());
                let precision = numbers.next().ok_or(UnknownType)?.map_err(|_| UnknownType)?;
                let scale = numbers.next().unwrap_or(Ok(0)).map_err(|_| UnknownType)?;
                if numbers.next().is_none() && (1..=38).contains(&precision) && scale <= precision.min(37) {
                    Ok(Self::Decimal { precision, scale })
                } else {
                    Err(UnknownType)
                }
            }
            _ => Err(UnknownType),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Integer => f.write_str("INTEGER"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            Self::Real => f.write_str("REAL"),
            Self::DoublePrecision => f.write_str("DOUBLE PRECISION"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Char(bytes) => write!(f, "CHAR({bytes})"),
            Self::VarChar(bytes) => write!(f, "VARCHAR({bytes})"),
            Self::Date => f.write_str("DATE"),
            Self::Time => f.write_str("TIME"),
            Self::TimeTz => f.write_str("TIMETZ"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
            Self::TimestampTz => f.write_str("TIMESTAMPTZ"),
            Self::Super => f.write_str("SUPER"),
            Self::VarByte(bytes) => write!(f, "VARBYTE({bytes})"),
        }
    }
}

impl DataType {
    /// `CHAR` or `VARCHAR`, with the length in bytes.
    #[must_use]
    pub fn text_bytes(self) -> Option<u32> {
        match self {
            Self::Char(bytes) | Self::VarChar(bytes) => Some(bytes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_catalogs_write_them_and_print_as_redshift_does() {
        for (read, printed) in [
            ("character varying(25)", "VARCHAR(25)"),
            ("VARCHAR(MAX)", "VARCHAR(65535)"),
            ("varchar", "VARCHAR(256)"),
            ("text", "VARCHAR(256)"),
            ("character", "CHAR(1)"),
            ("numeric( 12 , 2 )", "DECIMAL(12,2)"),
            ("decimal", "DECIMAL(18,0)"),
            ("double  precision", "DOUBLE PRECISION"),
            ("timestamp without time zone", "TIMESTAMP"),
            ("int8", "BIGINT"),
            ("super", "SUPER"),
        ] {
            assert_eq!(read.parse::<DataType>().unwrap().to_string(), printed, "{read}");
            assert_eq!(printed.parse::<DataType>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "",
            "money",
            "varchar(0)",
            "varchar(70000)",
            "char(-1)",
            "decimal(39,0)",
            "decimal(4,5)",
            "int(4)",
            "varchar(1",
            "varchar(1) x",
        ] {
            assert_eq!(text.parse::<DataType>(), Err(UnknownType), "{text}");
        }
    }
}
