/** The WebGPU adapter: its name, and its optional features; null where there is none. */
export async function adapter() {
  const found = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!found) return null;
  const { vendor = "", architecture = "", device = "", description = "" } = found.info ?? {};
  const name = [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed";
  return { name, features: [...found.features] };
}
