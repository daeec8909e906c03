//! How a noun defines the bodies of its kinds.
//!
//! Must never hold: a kind.

/// Defines bodies, and `Table`: their part of the tables of all kinds.
macro_rules! bodies {
    ($($(#[$doc:meta])* $kind:literal $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        $(; $($(#[$added_doc:meta])* $tag:literal $added:ident,)+)?
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
                $($($(#[$added_doc])* #[serde(skip)] pub $added: Option<bytes::Bytes>,)+)?
            }

            impl $crate::wire::Body for $name {
                const KIND: u16 = $kind;
                const NAME: &'static str = stringify!($name);

                $(
                    fn additions(&self) -> Vec<$crate::wire::Ext> {
                        let named = [$(($tag, self.$added.clone()),)+];
                        let some = |(tag, value): (u16, Option<bytes::Bytes>)| {
                            Some($crate::wire::Ext { tag, value: value? })
                        };
                        named.into_iter().filter_map(some).collect()
                    }

                    fn take_additions(&mut self, found: Vec<$crate::wire::Ext>) {
                        for $crate::wire::Ext { tag, value } in found {
                            match tag {
                                $($tag => drop(self.$added.get_or_insert(value)),)+
                                _ => {}
                            }
                        }
                    }
                )?
            }
        )*

        /// The kinds of this noun.
        pub(in crate::protocol) enum Table {}

        impl Table {
            /// Number and name of every kind.
            pub(in crate::protocol) const KINDS: &[(u16, &str)] = &[$(($kind, stringify!($name)),)*];

            /// Lets `visitor` work with the type of `kind`, or gives it back if the kind is not here.
            pub(in crate::protocol) fn visit<V: $crate::wire::KindVisitor>(
                kind: u16,
                visitor: V,
            ) -> Result<V::Output, V> {
                match kind {
                    $($kind => Ok(visitor.visit::<$name>()),)*
                    _ => Err(visitor),
                }
            }
        }
    };
}
pub(in crate::protocol) use bodies;
