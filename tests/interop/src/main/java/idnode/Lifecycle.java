package idnode;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.handle.hdllib.AddValueRequest;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.ModifyValueRequest;
import net.handle.hdllib.RemoveValueRequest;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/** From creation to deletion of one handle by one administrator; after each change anybody's view of it is looked at. */
final class Lifecycle {
  private static final int PRICE = 2;
  private static final int SEALED = 4;

  private final HandleResolver resolver;
  private final Transcript out;
  private final String handle;
  private final byte[] name;
  private final AuthenticationInfo who;
  private final Random random;

  /** `seed` makes the restricted octets. */
  Lifecycle(HandleResolver resolver, Transcript out, String handle, AuthenticationInfo who, int seed) {
    this.resolver = resolver;
    this.out = out;
    this.handle = handle;
    this.name = Util.encodeString(handle);
    this.who = who;
    this.random = new Random(seed);
  }

  /** `strangers` have proofs, but not for this handle; `liars` claim to be its administrator. */
  void run(List<AuthenticationInfo> strangers, List<AuthenticationInfo> liars) throws Exception {
    byte[] price = create();
    read(price);
    add();
    refused(strangers, 400);
    refused(liars, 403);
    modify();
    remove();
    delete(strangers.get(0));
  }

  private byte[] create() throws Exception {
    byte[] price = octets(300);
    HandleValue sealed = text(SEALED, "NOTE", "nobody reads this");
    sealed.setAnyoneCanRead(false);
    sealed.setAdminCanRead(false);
    HandleValue[] values = {
      text(1, "URL", "https://example.com/1"), restricted(PRICE, "PRICE", price), text(3, "NAME_ZH", "扶手椅"), sealed, own()
    };
    out.step("create", 1, Answer.to(resolver, new CreateHandleRequest(name, values, who)));
    look("created", 1, 3, 100);
    out.step("create again", 101, Answer.to(resolver, new CreateHandleRequest(name, values, who)));
    return price;
  }

  private void read(byte[] price) throws Exception {
    out.step("restricted value, asked by anybody", 200, Question.ask(resolver, handle, PRICE));
    Answer all = out.step("all values, asked by the administrator", 1, Answer.to(resolver, Question.restricted(handle, who)));
    out.fact("restricted octets are those created", Arrays.equals(price, all.data(PRICE)));
    Answer one = out.step("restricted value by index", 1, Answer.to(resolver, Question.restricted(handle, who, PRICE)));
    out.fact("restricted octets are those created", Arrays.equals(price, one.data(PRICE)));
  }

  private void add() throws Exception {
    HandleValue[] values = {restricted(5, "COST", octets(40)), text(6, "DESC", "椅")};
    out.step("add two values", 1, Answer.to(resolver, new AddValueRequest(name, values, who)));
    look("added", 1, 3, 6, 100);
    out.step("add an index again", 201, Answer.to(resolver, new AddValueRequest(name, values[1], who)));
  }

  private void refused(List<AuthenticationInfo> others, int code) throws Exception {
    for (AuthenticationInfo other : others) {
      String by = " by another, " + Util.decodeString(other.getAuthType());
      HandleValue value = text(1, "URL", "https://example.com/stolen");
      out.step("modify" + by, code, Answer.to(resolver, new ModifyValueRequest(name, value, other)));
      out.step("read restricted" + by, code, Answer.to(resolver, Question.restricted(handle, other, PRICE)));
      out.step("delete" + by, code, Answer.to(resolver, new DeleteHandleRequest(name, other)));
    }
    look("nothing changed", 1, 3, 6, 100);
  }

  private void modify() throws Exception {
    byte[] price = octets(999);
    HandleValue[] values = {text(1, "URL", "https://example.com/2"), restricted(PRICE, "PRICE", price)};
    out.step("modify two values", 1, Answer.to(resolver, new ModifyValueRequest(name, values, who)));
    look("modified", 1, 3, 6, 100);
    Answer read = out.step("restricted value after", 1, Answer.to(resolver, Question.restricted(handle, who, PRICE)));
    out.fact("restricted octets are the new ones", Arrays.equals(price, read.data(PRICE)));
    out.step("modify a missing index", 200, Answer.to(resolver, new ModifyValueRequest(name, text(77, "URL", "x"), who)));
  }

  private void remove() throws Exception {
    out.step("remove two values", 1, Answer.to(resolver, new RemoveValueRequest(name, new int[] {3, 5}, who)));
    look("removed", 1, 6, 100);
    out.step("remove a missing index", 200, Answer.to(resolver, new RemoveValueRequest(name, 3, who)));
  }

  private void delete(AuthenticationInfo stranger) throws Exception {
    out.step("delete by a stranger", 400, Answer.to(resolver, new DeleteHandleRequest(name, stranger)));
    look("still there", 1, 6, 100);
    out.step("delete", 1, Answer.to(resolver, new DeleteHandleRequest(name, who)));
    out.step("resolve: deleted", 100, Question.ask(resolver, handle));
    out.step("delete again", 100, Answer.to(resolver, new DeleteHandleRequest(name, who)));
  }

  private void look(String why, Integer... indexes) throws Exception {
    Answer answer = out.step("resolve: " + why, 1, Question.ask(resolver, handle));
    out.fact("the public values", List.of(indexes).equals(answer.indexes()));
  }

  private HandleValue own() {
    return Identity.admin(100, new ValueReference(who.getUserIdHandle(), who.getUserIdIndex()));
  }

  private byte[] octets(int length) {
    byte[] out = new byte[length];
    random.nextBytes(out);
    return out;
  }

  static HandleValue text(int index, String type, String text) {
    return new HandleValue(index, type, text);
  }

  static HandleValue restricted(int index, String type, byte[] data) {
    HandleValue value = new HandleValue(index, type, data);
    value.setAnyoneCanRead(false);
    return value;
  }
}
