// ListTables.
export const cases = [
  { name: "list: names what is there", op: "ListTables", in: {}, out: { TableNames: (t) => t.includes("hash") } },
];
