// libp2p calls Promise.withResolvers, which Node 20 does not have: load this before everything else.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}
