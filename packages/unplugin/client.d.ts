/** References without types, for projects whose modelpack.toml has no output.types. */
declare module "modelpack:*" {
  const reference: { readonly manifestUrl: string; readonly sha256: string; readonly model: string };
  export default reference;
}
