using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Adversary.Games;

/// <summary>Property 1: somebody recorded everything, and breaks into both machines later.</summary>
internal static class SecrecyGames
{
    private const double After = 122;
    private const int LongestStateArray = 512;
    private const int PacketsTried = 3;

    private static readonly byte[] Secret = "the payload that nobody else may read"u8.ToArray();
    private static readonly byte[] Answer = "and the answer to it, no less secret"u8.ToArray();

    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame(DecryptSession)
        {
            Name = "1a",
            What = "records everything; 121 s after the last handshake takes both static keys and all memory; wants one payload of the session",
        },
        new SearchGame(DecryptHandshake)
        {
            Name = "1b",
            What = "the same; wants what a handshake message carried encrypted",
        },
        new SearchGame(FindEphemeral)
        {
            Name = "1c",
            What = "the same; wants an ephemeral private key, in a library or in memory",
        },
    ];

    private static string? DecryptSession(Contestant contestant, ulong seed, int run)
    {
        using var theft = new Theft(contestant, seed, withRekey: run % 2 == 1);
        return theft.OpensPayload() ? "a payload of the session" : null;
    }

    private static string? DecryptHandshake(Contestant contestant, ulong seed, int run)
    {
        using var theft = new Theft(contestant, seed, withRekey: run % 2 == 1);
        return theft.Readings().Any(reading => reading.Decrypted.Count > 0) ? "an encrypted handshake payload, by the static keys" : null;
    }

    private static string? FindEphemeral(Contestant contestant, ulong seed, int run)
    {
        using var theft = new Theft(contestant, seed, withRekey: run % 2 == 1);
        return theft.FindsEphemeral() ? "an ephemeral private key" : null;
    }

    /// <summary>A conversation, long over, and all that a thief finds of it.</summary>
    private sealed class Theft : IDisposable
    {
        private readonly Contestant _contestant;
        private readonly Scene _scene;
        private readonly WatchedCrypto[] _watched = [new(CryptoProvider.Default), new(CryptoProvider.Default)];
        private readonly Persona[] _personas;
        private readonly List<byte[]> _memory = [];

        public Theft(Contestant contestant, ulong seed, bool withRekey)
        {
            _contestant = contestant;
            _personas = [Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob")];
            var (alice, bob) = (_personas[0].Face, _personas[1].Face);
            _scene = new(contestant, seed);
            var a = _scene.Join("A", _personas[0], Scene.AliceAt, crypto: _watched[0], known: bob);
            var b = _scene.Join("B", _personas[1], Scene.BobAt, crypto: _watched[1], known: alice);
            a.Dial(bob, Scene.BobAt);
            _scene.Run(1);
            for (var second = 0; second < (withRekey ? 50 : 2); second++)
            {
                _scene.Send(a, bob, Secret, 0.5);
                _scene.Send(b, alice, Answer, 0.5);
            }

            _scene.Run(After);
            _memory.AddRange(a.Memory());
            _memory.AddRange(b.Memory());
            foreach (var watched in _watched)
            {
                _memory.AddRange(watched.HeldAgreementKeys);
                _memory.AddRange(watched.HeldPacketKeys);
            }

            if (!b.HasReceived(alice, Secret))
            {
                throw new GameException($"{contestant}: there was no conversation to record.");
            }
        }

        public bool OpensPayload()
        {
            var packets = _scene.Recording.Where(datagram => _contestant.IsTransport(datagram.Bytes)).Select(datagram => datagram.Bytes)
                .Where(packet => packet.Length >= Answer.Length).ToArray();
            packets = [.. packets.Take(PacketsTried), .. packets.TakeLast(PacketsTried)];
            using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            foreach (var key in Keys())
            {
                foreach (var packet in packets)
                {
                    if (_contestant.OpenTransport(aead, key, packet) is { } payload && (payload.SequenceEqual(Secret) || payload.SequenceEqual(Answer)))
                    {
                        return true;
                    }
                }
            }

            return false;
        }

        public IEnumerable<NoiseReading> Readings()
        {
            // Besides the static keys, whatever ephemeral the libraries still hold.
            var held = _watched.SelectMany(watched => watched.HeldAgreementKeys).Select(key => CryptoProvider.Default.ImportX25519PrivateKey(key)).ToArray();
            var reader = new NoiseReader([.. _personas.Select(persona => persona.AgreementKey), .. held]);
            foreach (var view in _contestant.Views(_scene.Recording))
            {
                yield return reader.Read(view, _personas[0].Face, _personas[1].Face);
            }

            Array.ForEach(held, key => key.Dispose());
        }

        public bool FindsEphemeral()
        {
            var ephemerals = _watched.SelectMany(watched => watched.AllAgreementKeys).Where(key => !IsStatic(key)).ToArray();
            return ephemerals.Length > 0 && ephemerals.Any(key => _memory.Any(bytes => bytes.AsSpan().IndexOf(key) >= 0));
        }

        public void Dispose() => _scene.Dispose();

        private bool IsStatic(byte[] key)
        {
            using var imported = CryptoProvider.Default.ImportX25519PrivateKey(key);
            return _personas.Any(persona => imported.PublicKey.SequenceEqual(persona.Face.X25519));
        }

        /// <summary>Returns every 32 bytes that might be a packet key, and the keys that follow from every chaining key.</summary>
        private IEnumerable<byte[]> Keys()
        {
            foreach (var reading in Readings())
            {
                foreach (var key in reading.TransportKeys)
                {
                    yield return key;
                }
            }

            var protocols = _contestant.Views(_scene.Recording).Select(view => view.Protocol).Distinct().ToArray();
            var seen = new HashSet<string>();
            foreach (var bytes in _memory)
            {
                for (var at = 0; at + 32 <= bytes.Length; at++)
                {
                    if (bytes.AsSpan(at, 32).ContainsAnyExcept((byte)0) && seen.Add(Convert.ToBase64String(bytes, at, 32)))
                    {
                        yield return bytes[at..(at + 32)];
                        foreach (var key in bytes.Length <= LongestStateArray ? Split(protocols, bytes, at) : [])
                        {
                            yield return key;
                        }
                    }
                }
            }
        }

        private static IEnumerable<byte[]> Split(NoiseProtocol[] protocols, byte[] bytes, int at)
        {
            foreach (var protocol in protocols)
            {
                var size = protocol.Hash.HashSize();
                if (at + size > bytes.Length)
                {
                    continue;
                }

                var crypto = CryptoProvider.Default;
                var (temporary, one, two) = (new byte[size], new byte[size], new byte[size]);
                crypto.Hmac(protocol.Hash, bytes.AsSpan(at, size), [], [], temporary);
                crypto.Hmac(protocol.Hash, temporary, [1], [], one);
                crypto.Hmac(protocol.Hash, temporary, one, [2], two);
                yield return one[..32];
                yield return two[..32];
            }
        }
    }
}

/// <summary>A game could not be played: that is neither won nor lost.</summary>
internal sealed class GameException(string message) : Exception(message);
