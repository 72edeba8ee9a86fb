/** The loader's own module worker: an engine behind messages. */
import { serve } from "./serve.ts";

serve(globalThis as never);
