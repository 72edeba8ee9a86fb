// Keeps what WebAssembly.Memory a thread makes: onnxruntime's heap never shrinks, so its size at the end is its peak.
const made = [];
const { Memory } = WebAssembly;

WebAssembly.Memory = new Proxy(Memory, {
  construct(target, [description]) {
    const memory = new target(description);
    made.push(memory);
    return memory;
  },
});

/** The bytes of all heaps that this thread made. */
export const heapBytes = () => made.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
