using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>A host of ours and a reference, with a flow each way and books about both.</summary>
internal sealed class ReferencePair : IDisposable
{
    public ReferencePair(ulong seed, LinkConditions? conditions = null, HostOptions? options = null)
    {
        World = new(seed);
        World.Network.Conditions = conditions ?? Pair.Wan;
        Ours = new(World, Addresses.Host(0x0101), "ours", options) { PayloadReceived = (_, payload) => Ledger.Deliver(payload) };
        Reference = new(World, CryptoProvider.Default, ReferenceAddress) { PayloadReceived = (_, payload) => Ledger.Deliver(payload) };
        ReferenceId = PeerId.FromPublicKey(PublicKey.FromEd25519(Reference.PublicKey), CryptoProvider.Default);
        ToReference = Ledger.Open("to the reference");
        FromReference = Ledger.Open("from the reference");
    }

    public static NetworkAddress ReferenceAddress { get; } = Addresses.Host(0x0201);

    public World World { get; }

    public SimulatedHost Ours { get; }

    public SimulatedReference Reference { get; }

    public PeerId ReferenceId { get; }

    public DeliveryLedger Ledger { get; } = new();

    public Flow ToReference { get; }

    public Flow FromReference { get; }

    public bool IsOpen => Ours.Find(ReferenceId)?.Machine.IsOpen == true;

    public void WeDial() => Ours.Connect(ReferenceId, ReferenceAddress);

    /// <summary>Opens the reference's channel; it calls when it sends.</summary>
    public void ReferenceDials() => Reference.Dial(Ours.Address, Ours.PublicKey.Ed25519);

    public SealResult SendToReference() => Ours.Send(ReferenceId, ToReference);

    /// <summary>Sends, as an application does that tries again when a send fails: a failed one counts as not sent.</summary>
    public bool SendFromReference()
    {
        for (var attempt = 0; attempt < 64; attempt++)
        {
            var payload = FromReference.Next().ToArray();
            FromReference.Accept();
            if (Reference.Send(Ours.Address, payload))
            {
                return true;
            }

            FromReference.Withdraw();
        }

        return false;
    }

    public void Run(double seconds) => World.RunFor(TimeSpan.FromSeconds(seconds));

    public void Traffic(double seconds, int perSecondToReference, int perSecondFromReference)
    {
        var end = World.Now + TimeSpan.FromSeconds(seconds);
        if (perSecondToReference > 0)
        {
            World.Every(TimeSpan.FromSeconds(1.0 / perSecondToReference), () =>
            {
                SendToReference();
                return World.Now < end;
            });
        }

        if (perSecondFromReference > 0)
        {
            World.Every(TimeSpan.FromSeconds(1.0 / perSecondFromReference), () =>
            {
                if (Reference.ChannelOf(Ours.Address) is not null)
                {
                    SendFromReference();
                }

                return World.Now < end;
            });
        }
    }

    public void CheckAliveAndNothingLost()
    {
        Check(Reference.Death is null, $"the reference died: {Reference.Death}");
        Check(ToReference.Lost == 0 && FromReference.Lost == 0, $"{ToReference}; {FromReference}");
    }

    public void Check(bool condition, string what)
    {
        if (!condition)
        {
            Assert.Fail(World.Report($"{what}; {Ours.DropsBut()}; reference: {Reference.ExpiredSends} expired sends, {Reference.Errors} errors") + string.Join(Environment.NewLine, Ours.Events.TakeLast(40).Select(e => $"{(e.At - VirtualClock.Beginning).TotalMilliseconds,14:F3} ms {e.Event}")));
        }
    }

    public void Dispose()
    {
        Ours.Dispose();
        Reference.Dispose();
    }
}
